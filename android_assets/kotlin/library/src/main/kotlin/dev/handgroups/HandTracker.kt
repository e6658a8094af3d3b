package dev.handgroups

/**
 * Follows one hand from frame to frame.
 *
 * A track begins in a box of the finder in which the network sees a hand; which hand it is is
 * decided there, once. From then on the box is that of the last frame's own joints, unsmoothed,
 * and the finder rests. The track ends with a frame whose presence is below the contract's
 * threshold, or whose box has left the picture; the next frame asks the finder again, and the
 * smoothing starts anew. Use one tracker per hand and per video, and not from several threads at
 * once.
 *
 * @param estimator Finds joints in a box.
 * @param finder Where hands may be while none is followed; the full frame by default.
 * @param side Which hand it is, if it is known.
 * @throws InputException If the contract does not say how to follow a hand.
 */
public class HandTracker(
    private val estimator: HandEstimator,
    private val finder: BoxFinder = BoxFinder.fullFrame(estimator.contract.crop),
    private val side: HandSide? = null,
) {
    private val rule = estimator.contract.tracking ?: throw InputException(
        "HandTracker: expected a contract with a section tracking. Received: " +
            "${estimator.contract.model.file} without. It is of an earlier version: convert and " +
            "bundle the model again to follow hands; single pictures work with it.",
    )
    private val filter = OneEuroFilter(rule.filter)
    private var timeS: Double? = null

    /** The last frame's hand as the network saw it, without smoothing; `null` if there was none. */
    public var unsmoothed: Hand? = null
        private set

    /**
     * Looks at the next frame.
     *
     * @param image The frame, upright.
     * @param timeS When it was taken, in seconds, later than the frame before.
     * @return The hand with smoothed joints, or `null` if there is none.
     * @throws InputException If the time does not increase.
     */
    public fun update(image: RgbImage, timeS: Double): Hand? {
        val before = this.timeS
        if (!timeS.isFinite() || (before != null && timeS <= before)) {
            throw InputException(
                "HandTracker.update: expected a time later than that of the frame before, " +
                    "$before s. Received: timeS=$timeS. Leave out frames that come twice, and " +
                    "use a new tracker for another video.",
            )
        }
        this.timeS = timeS
        val last = unsmoothed
        val hand = if (last == null) find(image) else look(image, tightBox(last.uvPx), last.side)
        unsmoothed = hand
        if (hand == null) {
            filter.reset()
            return null
        }
        val (uvPx, zRel) = filter.filter(timeS, hand.uvPx, hand.zRel)
        return hand.copy(
            uvPx = uvPx,
            zRel = zRel,
            xyzRelative = estimator.recovery.weakPerspective(uvPx, zRel),
        )
    }

    private fun find(image: RgbImage): Hand? =
        finder.find(image).firstNotNullOfOrNull { look(image, it, side) }

    private fun look(image: RgbImage, box: Box, side: HandSide?): Hand? {
        if (!box.touches(image)) return null
        val hand = estimator.estimate(image, box, side)
        val least = rule.presenceThreshold
        val presence = hand.presence
        return if (least != null && presence != null && presence < least) null else hand
    }
}
