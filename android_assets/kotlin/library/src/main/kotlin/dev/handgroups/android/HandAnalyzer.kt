package dev.handgroups.android

import androidx.camera.core.ImageAnalysis
import androidx.camera.core.ImageProxy
import dev.handgroups.Hand
import dev.handgroups.HandTracker

/**
 * What was found in a camera frame.
 *
 * @property hand The hand, smoothed; `null` if there is none.
 * @property width Of the upright frame in pixels, which the hand's points are in.
 * @property height Of the upright frame in pixels.
 */
public data class FrameResult(
    public val hand: Hand?,
    public val width: Int,
    public val height: Int,
)

/**
 * Follows a hand through the frames of CameraX.
 *
 * Build the `ImageAnalysis` with `OUTPUT_IMAGE_FORMAT_RGBA_8888` and
 * `STRATEGY_KEEP_ONLY_LATEST`, and give it an executor of one thread. Close the analyzer before
 * the [HandGroups] that its tracker comes from.
 *
 * @param tracker Belongs to this analyzer from now on.
 * @param onResult Called after every frame, on the executor's thread.
 */
public class HandAnalyzer(
    private val tracker: HandTracker,
    private val onResult: (FrameResult) -> Unit,
) : ImageAnalysis.Analyzer, AutoCloseable {
    private var lastNs: Long? = null
    private var closed = false

    override fun analyze(image: ImageProxy) {
        val result = image.use(::track)
        if (result != null) onResult(result)
    }

    @Synchronized
    private fun track(image: ImageProxy): FrameResult? {
        val timeNs = image.imageInfo.timestamp
        val last = lastNs
        // Some cameras deliver a frame twice.
        if (closed || (last != null && timeNs <= last)) return null
        lastNs = timeNs
        val picture = image.toRgbImage()
        return FrameResult(tracker.update(picture, timeNs / 1e9), picture.width, picture.height)
    }

    /** Waits for a frame that is being looked at; later ones are dropped. */
    @Synchronized
    override fun close() {
        closed = true
    }
}
