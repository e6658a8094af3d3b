package dev.handgroups

import kotlin.math.exp
import kotlin.math.max

/**
 * What a network says about one crop.
 *
 * @property uvPx One point per joint, in crop pixels.
 * @property zRel One depth per joint, in reference-bone lengths away from the camera.
 * @property presence Logit that the crop shows a hand, `null` if the network cannot tell.
 * @property handedness Logit that the hand looks like one of the canonical side, `null` if the
 *   network cannot tell.
 */
public data class Decoded(
    public val uvPx: List<Uv>,
    public val zRel: List<Double>,
    public val presence: Double?,
    public val handedness: Double?,
)

/**
 * Turns what a model file takes and returns into crops and joints, as its contract says.
 *
 * @param contract Of the file.
 */
public class Decoder(private val contract: Contract) {
    /**
     * Returns a crop as the bytes that a `uint8` input takes.
     *
     * @param crop Values in [0, 1].
     */
    public fun toBytes(crop: FloatArray): ByteArray =
        ByteArray(crop.size) { Math.rint((crop[it] * 255f).toDouble()).toInt().toByte() }

    /**
     * Returns the numbers that the integers of an output stand for.
     *
     * @param name Of the output, `int8` or `uint8`.
     * @param values As the runtime returned them.
     * @throws InputException If the output is unknown or holds no integers.
     */
    public fun dequantized(name: String, values: ByteArray): FloatArray {
        val tensor = contract.outputs[name]
        val quantization = tensor?.quantization ?: throw InputException(
            "Decoder.dequantized: expected an integer output among ${contract.outputs.keys}. " +
                "Received: name=$name.",
        )
        val mask = if (tensor.type == ElementType.UINT8) 0xff else -1
        return FloatArray(values.size) {
            val whole = values[it].toInt() and mask
            ((whole - quantization.zeroPoint) * quantization.scale).toFloat()
        }
    }

    /**
     * Returns what the outputs of a file say.
     *
     * @param outputs By name, row by row; integers as of [dequantized].
     * @throws InputException If an output is missing, of another size, or not a number.
     */
    public fun decode(outputs: Map<String, FloatArray>): Decoded {
        for ((name, tensor) in contract.outputs) {
            val values = outputs[name]
            val finite = values?.count { it.isFinite() }
            if (values?.size != tensor.size || finite != tensor.size) {
                throw InputException(
                    "Decoder.decode: expected output $name with ${tensor.size} finite numbers. " +
                        "Received: numbers=${values?.size}, finite=$finite. The runtime and the " +
                        "contract do not fit, or the accelerator fails.",
                )
            }
        }
        val joints = contract.skeleton.names.indices
        val decoding = contract.decoding
        val (uv, z) = if (decoding is Decoding.HeatmapExpectation) {
            expectation(outputs, decoding)
        } else {
            val uv = outputs.getValue(UV)
            val z = outputs.getValue(Z)
            val points = joints.map { Uv(uv[2 * it].toDouble(), uv[2 * it + 1].toDouble()) }
            points to joints.map { z[it].toDouble() }
        }
        return Decoded(uv, z, logit(outputs, PRESENCE), logit(outputs, HANDEDNESS))
    }

    private fun logit(outputs: Map<String, FloatArray>, name: String): Double? =
        if (name in contract.outputs) outputs.getValue(name)[0].toDouble() else null

    private fun expectation(
        outputs: Map<String, FloatArray>,
        decoding: Decoding.HeatmapExpectation,
    ): Pair<List<Uv>, List<Double>> {
        val logits = outputs.getValue(decoding.heatmaps)
        val depths = outputs.getValue(decoding.depthMaps)
        val shape = contract.outputs.getValue(decoding.heatmaps).shape
        val (rows, columns, channels) = shape.drop(1)
        val uv = arrayOfNulls<Uv>(channels)
        val z = DoubleArray(channels)
        for (channel in 0 until channels) {
            var highest = Float.NEGATIVE_INFINITY
            for (cell in 0 until rows * columns) {
                highest = max(highest, logits[cell * channels + channel])
            }
            var total = 0.0
            var column = 0.0
            var row = 0.0
            var depth = 0.0
            for (cell in 0 until rows * columns) {
                val weight = exp((logits[cell * channels + channel] - highest).toDouble())
                total += weight
                column += weight * (cell % columns)
                row += weight * (cell / columns)
                depth += weight * depths[cell * channels + channel]
            }
            val joint = decoding.joints[channel]
            uv[joint] = Uv(
                column / total * decoding.stridePx + decoding.offsetPx,
                row / total * decoding.stridePx + decoding.offsetPx,
            )
            z[joint] = depth / total
        }
        return uv.map { it!! } to z.toList()
    }
}
