package dev.handgroups.driver

import dev.handgroups.Affine
import dev.handgroups.Box
import dev.handgroups.Hand
import dev.handgroups.RgbImage
import dev.handgroups.Uv
import dev.handgroups.Xyz

/** Points and matrices as plain lists of numbers, rows first. */
internal fun flat(value: Any?): Any? = when (value) {
    is Uv -> listOf(value.u, value.v)
    is Xyz -> listOf(value.x, value.y, value.z)
    is Box -> listOf(value.x, value.y, value.width, value.height)
    is Affine -> listOf(value.uu, value.uv, value.u0, value.vu, value.vv, value.v0)
    is List<*> -> value.flatMap { (flat(it) as? List<*>) ?: listOf(it) }
    else -> value
}

internal fun flat(hand: Hand?): Any? = hand?.let {
    mapOf(
        "box_px" to flat(it.boxPx),
        "side" to it.side?.word,
        "presence" to it.presence,
        "uv_px" to flat(it.uvPx),
        "z_rel" to it.zRel,
        "xyz_relative" to flat(it.xyzRelative),
    )
}

internal fun boxOf(numbers: List<Double>): Box = Box(numbers[0], numbers[1], numbers[2], numbers[3])

internal fun pointsOf(numbers: List<Double>): List<Uv> = numbers.chunked(2) { Uv(it[0], it[1]) }

/** A picture of RGB bytes, rows first; the alpha differs from pixel to pixel. */
internal fun imageOf(rgb: DoubleArray, width: Int, height: Int): RgbImage = RgbImage(
    width, height,
    IntArray(width * height) {
        val (red, green, blue) = (0..2).map { colour -> rgb[3 * it + colour].toInt() }
        (it % 256 shl 24) or (red shl 16) or (green shl 8) or blue
    },
)
