package dev.handgroups

import kotlin.math.PI
import kotlin.math.abs
import kotlin.math.max

/**
 * Calms joints that rest and follows joints that move: a low-pass filter for each coordinate
 * whose cutoff rises with its speed (Casiez, Roussel and Vogel, "1 Euro filter", CHI 2012).
 *
 * The speed of a point is measured in longer sides of the hand's tight box, so that near and far
 * hands are treated alike. Not for use by several threads at once.
 *
 * @param settings Of the contract.
 */
public class OneEuroFilter(private val settings: OneEuroSettings) {
    private var timeS: Double? = null
    private var values = DoubleArray(0)
    private var speeds = DoubleArray(0)

    /** Forgets the hand: the next frame passes unchanged, at any time. */
    public fun reset() {
        timeS = null
    }

    /**
     * Smooths the joints of the next frame.
     *
     * @param timeS When it was taken, in seconds, later than the frame before.
     * @param uvPx Unsmoothed points, in pixels of the picture.
     * @param zRel Unsmoothed depths, in reference-bone lengths.
     * @return Smoothed points and depths.
     * @throws InputException If the time does not increase, a number is not finite, or the number
     *   of joints changes; the filter is then as it was before.
     */
    public fun filter(
        timeS: Double,
        uvPx: List<Uv>,
        zRel: List<Double>,
    ): Pair<List<Uv>, List<Double>> {
        val joints = uvPx.size
        val next = (uvPx.map { it.u } + uvPx.map { it.v } + zRel).toDoubleArray()
        val before = this.timeS
        check(timeS, before, next, joints)
        var rates = DoubleArray(next.size)
        var smoothed = next
        if (before != null) {
            val stepS = timeS - before
            val box = tightBox(uvPx)
            val sidePx = max(box.width, box.height)
            val share = alpha(settings.derivativeCutoffHz, stepS)
            rates = DoubleArray(next.size) {
                val scale = if (it < 2 * joints) sidePx else 1.0
                share * ((next[it] - values[it]) / stepS / scale) + (1 - share) * speeds[it]
            }
            smoothed = DoubleArray(next.size) {
                val part = alpha(settings.minCutoffHz + settings.beta * abs(rates[it]), stepS)
                part * next[it] + (1 - part) * values[it]
            }
        }
        this.timeS = timeS
        values = smoothed
        speeds = rates
        return (0 until joints).map { Uv(smoothed[it], smoothed[it + joints]) } to
            (0 until joints).map { smoothed[it + 2 * joints] }
    }

    private fun alpha(cutoffHz: Double, stepS: Double): Double =
        1 / (1 + 1 / (2 * PI * cutoffHz * stepS))

    private fun check(timeS: Double, before: Double?, next: DoubleArray, joints: Int) {
        val bad = next.count { !it.isFinite() }
        val fits = next.size == 3 * joints && (before == null || next.size == values.size)
        if (!timeS.isFinite() || bad > 0 || !fits) {
            throw InputException(
                "OneEuroFilter: expected finite numbers, always of as many joints. Received: " +
                    "timeS=$timeS, joints=$joints, depths=${next.size - 2 * joints}, " +
                    "not finite=$bad. Use one filter per hand.",
            )
        }
        if (before != null && timeS <= before) {
            throw InputException(
                "OneEuroFilter: expected a time later than that of the frame before, $before s. " +
                    "Received: timeS=$timeS. Leave out frames that come twice, and call reset() " +
                    "before another video.",
            )
        }
    }
}
