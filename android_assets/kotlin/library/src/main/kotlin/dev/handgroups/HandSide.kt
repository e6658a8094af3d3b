package dev.handgroups

/**
 * Which hand it is.
 *
 * @property word The same in a contract.
 */
public enum class HandSide(internal val word: String) { LEFT("left"), RIGHT("right") }

/**
 * Which hands the network expects.
 *
 * @property canonical Side of the hands that it was trained on.
 * @property mirrored Side of the hands whose crops are flipped left to right before it.
 */
public data class SideRule(public val canonical: HandSide, public val mirrored: HandSide) {
    /**
     * Decides which hand it is from two looks at it.
     *
     * The look in which it passes better for a hand of the canonical side counts: comparing the
     * two cancels the network's leaning towards the hand that it has mostly seen.
     *
     * @param asItIs Logit of `handedness` for the crop as it is.
     * @param flipped The same for the crop flipped left to right.
     */
    public fun decide(asItIs: Double, flipped: Double): HandSide =
        if (flipped > asItIs) mirrored else canonical
}
