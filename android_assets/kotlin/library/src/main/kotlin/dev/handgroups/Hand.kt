package dev.handgroups

/**
 * A hand in a picture.
 *
 * @property boxPx Where it was looked for, in pixels of the picture.
 * @property side Which hand it is, as it was given or else as the network saw it; `null` if it
 *   was not given and the network cannot tell, which then took it for one of the canonical side.
 *   In a picture that was flipped left to right (some front cameras) it is the other one.
 * @property presence Probability that there is a hand, `null` if the network cannot tell.
 * @property uvPx One point per joint, in pixels of the picture.
 * @property zRel One depth per joint relative to the root, in reference-bone lengths, away from
 *   the camera.
 * @property xyzRelative One point per joint in camera axes, in reference-bone lengths, the root
 *   at the origin; without perspective. [Recovery.absoluteMm] gives millimetres where the camera
 *   is known.
 */
public data class Hand(
    public val boxPx: Box,
    public val side: HandSide?,
    public val presence: Double?,
    public val uvPx: List<Uv>,
    public val zRel: List<Double>,
    public val xyzRelative: List<Xyz>,
)
