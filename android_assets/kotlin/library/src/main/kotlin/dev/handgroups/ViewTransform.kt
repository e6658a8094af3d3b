package dev.handgroups

import kotlin.math.min

/**
 * From pixels of a frame to those of a view that shows the whole frame as large as possible
 * (`PreviewView.ScaleType.FIT_CENTER`).
 *
 * @param imageWidth Of the frame, upright.
 * @param imageHeight Of the frame, upright.
 * @param viewWidth Of the view.
 * @param viewHeight Of the view.
 * @param mirrored Whether the view shows the frame flipped left to right, as previews of front
 *   cameras do.
 * @throws InputException If a side is not positive.
 */
public class ViewTransform(
    imageWidth: Int,
    imageHeight: Int,
    viewWidth: Int,
    viewHeight: Int,
    private val mirrored: Boolean,
) {
    private val scale: Double
    private val left: Double
    private val top: Double
    private val right: Double

    init {
        if (minOf(imageWidth, imageHeight, viewWidth, viewHeight) <= 0) {
            throw InputException(
                "ViewTransform: expected sides > 0. Received: image=${imageWidth}x$imageHeight, " +
                    "view=${viewWidth}x$viewHeight.",
            )
        }
        scale = min(viewWidth.toDouble() / imageWidth, viewHeight.toDouble() / imageHeight)
        left = (viewWidth - scale * imageWidth) / 2
        right = viewWidth - left
        top = (viewHeight - scale * imageHeight) / 2
    }

    /** Returns where a point of the frame is in the view; the view's corner is (0, 0). */
    public fun map(point: Uv): Uv {
        // The middle of the first pixel is half a pixel from the edge.
        val u = scale * (point.u + 0.5)
        return Uv(if (mirrored) right - u else left + u, top + scale * (point.v + 0.5))
    }
}
