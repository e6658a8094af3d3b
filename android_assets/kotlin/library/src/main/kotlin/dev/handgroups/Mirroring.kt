package dev.handgroups

/**
 * Pictures of front cameras: an app that shows or delivers them flipped left to right turns
 * results over with these. A point, a box and a camera of a picture `widthPx` wide become those
 * of the flipped picture, `u' = widthPx - 1 - u`.
 */
public object Mirroring {
    /** Returns the point in the flipped picture. */
    public fun uv(point: Uv, widthPx: Int): Uv = Uv(widthPx - 1 - point.u, point.v)

    /** Returns the box in the flipped picture. */
    public fun box(box: Box, widthPx: Int): Box = box.copy(x = widthPx - 1 - box.x - box.width)

    /** Returns the point with x negated: a left hand becomes a right one. */
    public fun xyz(point: Xyz): Xyz = point.copy(x = 0.0 - point.x)

    /** Returns the camera that took the flipped picture. */
    public fun intrinsics(camera: Intrinsics, widthPx: Int): Intrinsics =
        camera.copy(cx = widthPx - 1 - camera.cx, skew = 0.0 - camera.skew)
}
