package dev.handgroups

import kotlin.math.exp

/** Runs a network on crops; `dev.handgroups.android.LiteRtRunner` does it with LiteRT. */
public fun interface CropRunner {
    /**
     * Runs one crop.
     *
     * @param crop `size * size * 3` values in [0, 1], row by row, red, green, blue.
     * @return The outputs by name as the contract lists them, integers dequantized.
     */
    public fun run(crop: FloatArray): Map<String, FloatArray>
}

/**
 * Finds the joints of hands in single pictures.
 *
 * Left hands are mirrored before the network and back afterwards. Not for use by several threads
 * at once unless the runner is.
 *
 * @property contract Of the model that the runner runs.
 * @property recovery 3D with this contract's numbers.
 * @param runner Runs the network.
 */
public class HandEstimator(public val contract: Contract, private val runner: CropRunner) {
    private val decoder = Decoder(contract)
    public val recovery: Recovery = Recovery(contract.skeleton, contract.recovery)

    /**
     * Finds the joints of the hand in a box.
     *
     * @param image The picture, upright.
     * @param box Tight box of the hand in pixels of the picture.
     * @param side Which hand it is; `null` if unknown, which costs a second run.
     * @throws InputException If the box is not finite, empty or wholly outside the picture, or
     *   the runner returns something that the contract does not say.
     */
    public fun estimate(image: RgbImage, box: Box, side: HandSide? = null): Hand {
        val rule = contract.sides
        val first = look(image, box, mirror = side == rule.mirrored)
        val asItIs = first.handedness
        if (side != null || asItIs == null) return hand(box, side, first)
        val second = look(image, box, mirror = true)
        val decided = rule.decide(asItIs, second.handedness!!)
        return hand(box, decided, if (decided == rule.mirrored) second else first)
    }

    private fun look(image: RgbImage, box: Box, mirror: Boolean): Decoded {
        val matrix = contract.crop.matrix(box, mirror)
        if (!box.touches(image)) {
            throw InputException(
                "HandEstimator: expected a box that touches the picture of ${image.width}x" +
                    "${image.height} pixels. Received: box=$box.",
            )
        }
        return decoder.decode(runner.run(contract.crop.cut(image, matrix)))
    }

    internal fun hand(box: Box, side: HandSide?, look: Decoded): Hand {
        val toImage = contract.crop.matrix(box, mirror = side == contract.sides.mirrored).inverse()
        val uvPx = look.uvPx.map(toImage::map)
        return Hand(
            boxPx = box,
            side = side,
            presence = look.presence?.let { 1 / (1 + exp(-it)) },
            uvPx = uvPx,
            zRel = look.zRel,
            xyzRelative = recovery.weakPerspective(uvPx, look.zRel),
        )
    }
}
