package dev.handgroups

/**
 * A point in a picture.
 *
 * @property u Pixels to the right; whole numbers are pixel centres.
 * @property v Pixels down.
 */
public data class Uv(public val u: Double, public val v: Double)

/**
 * A point in camera axes: x right, y down, z away from the camera. The unit is said where it is
 * used: lengths of the reference bone, or millimetres.
 */
public data class Xyz(public val x: Double, public val y: Double, public val z: Double)

/**
 * A box in pixels of a picture.
 *
 * @property x Left edge.
 * @property y Upper edge.
 * @property width Pixels, greater than 0 for a box that can be cropped.
 * @property height Pixels, greater than 0 for a box that can be cropped.
 */
public data class Box(
    public val x: Double,
    public val y: Double,
    public val width: Double,
    public val height: Double,
)

/**
 * An affine map between pixels: `u' = uu u + uv v + u0`, `v' = vu u + vv v + v0`.
 *
 * @property uu Row 1, column 1 of the 2x3 matrix.
 * @property uv Row 1, column 2.
 * @property u0 Row 1, column 3.
 * @property vu Row 2, column 1.
 * @property vv Row 2, column 2.
 * @property v0 Row 2, column 3.
 */
public data class Affine(
    public val uu: Double,
    public val uv: Double,
    public val u0: Double,
    public val vu: Double,
    public val vv: Double,
    public val v0: Double,
) {
    /** Product of the linear part: how many target pixels a source pixel covers, with a sign. */
    internal val determinant: Double get() = uu * vv - uv * vu

    /** Returns where a point goes. */
    public fun map(point: Uv): Uv =
        Uv(uu * point.u + uv * point.v + u0, vu * point.u + vv * point.v + v0)

    /** Returns the way back. */
    public fun inverse(): Affine {
        val scale = 1 / determinant
        return Affine(
            vv * scale, -uv * scale, (uv * v0 - vv * u0) * scale,
            -vu * scale, uu * scale, (vu * u0 - uu * v0) * scale,
        )
    }
}
