package dev.handgroups

import kotlin.math.max
import kotlin.math.min

/**
 * Returns the tight box around the joints of a hand, each side at least one pixel: where the next
 * frame of a track looks. [CropRule] adds its margin.
 *
 * @param uvPx Points in pixels, at least one.
 */
public fun tightBox(uvPx: List<Uv>): Box {
    val x = uvPx.minOf { it.u }
    val y = uvPx.minOf { it.v }
    return Box(x, y, max(uvPx.maxOf { it.u } - x, 1.0), max(uvPx.maxOf { it.v } - y, 1.0))
}

/** Whether a box covers any of the pixels of a picture. */
internal fun Box.touches(image: RgbImage): Boolean =
    x + width > -0.5 && y + height > -0.5 && x < image.width - 0.5 && y < image.height - 0.5

/** Where a hand may be while none is followed, for example a palm detector. */
public fun interface BoxFinder {
    /** Returns tight boxes of possible hands in pixels, the most likely first. */
    public fun find(image: RgbImage): List<Box>

    public companion object {
        /**
         * Takes the whole picture for the window of one hand.
         *
         * @param crop Of the contract.
         */
        public fun fullFrame(crop: CropRule): BoxFinder = BoxFinder { image ->
            listOf(centred(image, max(image.width, image.height) / crop.margin))
        }

        /**
         * Expects one hand in the middle of the picture.
         *
         * @param share Longer side of the hand over the shorter side of the picture, greater
         *   than 0 and at most 1.
         * @throws InputException If the share is another number.
         */
        public fun centre(share: Double): BoxFinder {
            if (!(share > 0 && share <= 1)) {
                throw InputException(
                    "BoxFinder.centre: expected a share greater than 0, at most 1. " +
                        "Received: share=$share.",
                )
            }
            return BoxFinder { image ->
                listOf(centred(image, share * min(image.width, image.height)))
            }
        }

        private fun centred(image: RgbImage, side: Double): Box =
            Box((image.width - 1 - side) / 2, (image.height - 1 - side) / 2, side, side)
    }
}
