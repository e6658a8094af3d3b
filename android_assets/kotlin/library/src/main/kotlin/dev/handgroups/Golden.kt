package dev.handgroups

import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs

/** Where the arrays of a golden file are in it. */
internal class GoldenLayout(val file: String, val arrays: Map<String, Place>) {
    class Place(val type: String, val shape: List<Int>, val offset: Int) {
        val size: Int get() = shape.fold(1) { product, side -> product * side }
    }

    companion object {
        fun of(fields: Fields): GoldenLayout {
            fields.only("byte_order", "little")
            val arrays = fields.listOfFields("arrays").associate {
                it.text("name") to Place(it.text("dtype"), it.wholes("shape"), it.whole("offset"))
            }
            return GoldenLayout(fields.text("file"), arrays)
        }
    }
}

/** The arrays of a golden file. */
internal class GoldenArrays(content: ByteArray, private val layout: GoldenLayout) {
    private val buffer = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN)

    val names: Set<String> get() = layout.arrays.keys

    fun shape(name: String): List<Int> = place(name).shape

    /** Returns an array of any type, rows first. */
    fun doubles(name: String): DoubleArray {
        val place = place(name)
        val width = WIDTHS[place.type]
            ?: fail("types ${WIDTHS.keys}", "$name of type ${place.type}")
        val end = place.offset + place.size.toLong() * width
        if (place.shape.any { it < 0 } || place.offset < 0 || end > buffer.limit()) {
            fail("array $name up to byte $end", "${buffer.limit()} bytes")
        }
        return DoubleArray(place.size) {
            val at = place.offset + it * width
            when (place.type) {
                "uint8" -> (buffer.get(at).toInt() and 0xff).toDouble()
                "float32" -> buffer.getFloat(at).toDouble()
                else -> buffer.getDouble(at)
            }
        }
    }

    private fun place(name: String): GoldenLayout.Place =
        layout.arrays[name] ?: fail("an array $name", "arrays=$names")

    private fun fail(expected: String, received: String): Nothing = throw InputException(
        "${layout.file}: expected $expected. Received: $received. Make the bundle again.",
    )

    private companion object {
        val WIDTHS = mapOf("uint8" to 1, "float32" to 4, "float64" to 8)
    }
}

/** Runs a model on the golden crops of its bundle: does this device compute the same? */
public object GoldenCheck {
    /**
     * Compares with the results that were written when the bundle was made. Takes a few runs of
     * the network; worth it once per device and accelerator.
     *
     * @param bundle The bundle.
     * @param variant The variant that the runner runs.
     * @param runner Runs it.
     * @return The largest difference by output: `uv_px` in crop pixels, `z_rel` in
     *   reference-bone lengths, logits.
     * @throws InputException If a file is missing or changed.
     * @throws GateException If a difference is larger than the bundle allows.
     */
    public fun run(bundle: Bundle, variant: String, runner: CropRunner): Map<String, Double> {
        val golden = bundle.golden(variant)
        val contract = bundle.contract(variant)
        val decoder = Decoder(contract)
        val pixels = golden.doubles("image")
        val size = contract.input.tensor.size
        val largest = LinkedHashMap<String, Double>()
        for (index in 0 until pixels.size / size) {
            val crop = FloatArray(size) { (pixels[index * size + it] / 255).toFloat() }
            val found = decoder.decode(runner.run(crop))
            val results = mapOf(
                UV to found.uvPx.flatMap { listOf(it.u, it.v) },
                Z to found.zRel,
                PRESENCE to listOfNotNull(found.presence),
                HANDEDNESS to listOfNotNull(found.handedness),
            )
            for ((name, values) in results) {
                if (name !in golden.names) continue
                val expected = golden.doubles(name)
                // A result that is missing differs by more than anything.
                val difference = values.indices.maxOfOrNull {
                    abs(values[it] - expected[index * values.size + it])
                } ?: Double.POSITIVE_INFINITY
                largest[name] = maxOf(largest[name] ?: 0.0, difference)
            }
        }
        for ((name, limit) in bundle.tolerance(variant)) {
            val difference = largest[name] ?: continue // another variant's
            if (!(difference <= limit)) {
                throw GateException(
                    "${contract.model.file}: expected the golden outputs within $limit. " +
                        "Received: $name differs by $difference. This runtime, accelerator or " +
                        "processor computes something else.",
                )
            }
        }
        return largest
    }
}
