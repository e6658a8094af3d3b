package dev.handgroups

import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.floor
import kotlin.math.max
import kotlin.math.min
import kotlin.math.sqrt

/**
 * How the square window around a hand is cut out, as the contract's section `crop` says.
 *
 * @property sizePx Side of the crop in crop pixels, which the network takes.
 * @property margin Side of the window over the longer side of the box.
 */
public data class CropRule(public val sizePx: Int, public val margin: Double) {
    /**
     * Returns the map from pixels of the picture to pixels of the crop.
     *
     * @param box Tight box of the hand in pixels of the picture.
     * @param mirror Whether the crop is flipped left to right (left hands).
     * @throws InputException If the box is not finite or not positive.
     */
    public fun matrix(box: Box, mirror: Boolean): Affine {
        val finite = listOf(box.x, box.y, box.width, box.height).all { it.isFinite() }
        if (!finite || box.width <= 0 || box.height <= 0) {
            throw InputException(
                "CropRule.matrix: expected a finite box x, y, width > 0, height > 0. " +
                    "Received: box=$box.",
            )
        }
        val scale = sizePx / (margin * max(box.width, box.height))
        val middle = (sizePx - 1) / 2.0
        val u0 = middle - scale * (box.x + box.width / 2)
        val v0 = middle - scale * (box.y + box.height / 2)
        return if (mirror) {
            Affine(-scale, 0.0, sizePx - 1 - u0, 0.0, scale, v0)
        } else {
            Affine(scale, 0.0, u0, 0.0, scale, v0)
        }
    }

    /**
     * Cuts the window out: black outside the picture, bilinear between pixels, and where the
     * picture is shrunk by a factor of 2 or more, blocks of pixels are averaged first.
     *
     * @param image The picture.
     * @param matrix Of [matrix].
     * @return `sizePx * sizePx * 3` values in [0, 1], row by row, red, green, blue.
     */
    public fun cut(image: RgbImage, matrix: Affine): FloatArray {
        var toImage = matrix.inverse()
        // A hair more than exactly k is k.
        val factor = max(1, floor(sqrt(abs(toImage.determinant)) + 1e-6).toInt())
        if (factor > 1) {
            val shift = (factor - 1) / (2.0 * factor)
            toImage = Affine(
                toImage.uu / factor, toImage.uv / factor, toImage.u0 / factor - shift,
                toImage.vu / factor, toImage.vv / factor, toImage.v0 / factor - shift,
            )
        }
        return bilinear(BlockWindow(image, factor, toImage, sizePx), toImage, sizePx)
    }
}

/**
 * The averaged blocks of a picture that a crop looks at, and black around the picture.
 *
 * Only these are computed: a hand covers a small part of what a camera delivers.
 */
private class BlockWindow(image: RgbImage, factor: Int, toImage: Affine, sizePx: Int) {
    private val left: Int
    private val top: Int
    private val columns: Int
    private val rows: Int
    private val values: FloatArray

    init {
        val blocksAcross = max(1, image.width / factor)
        val blocksDown = max(1, image.height / factor)
        val last = (sizePx - 1).toDouble()
        val corners = listOf(Uv(0.0, 0.0), Uv(last, 0.0), Uv(0.0, last), Uv(last, last))
            .map(toImage::map)
        left = clamp(floor(corners.minOf { it.u }), blocksAcross)
        top = clamp(floor(corners.minOf { it.v }), blocksDown)
        columns = max(0, clamp(ceil(corners.maxOf { it.u }) + 1, blocksAcross) - left)
        rows = max(0, clamp(ceil(corners.maxOf { it.v }) + 1, blocksDown) - top)
        values = FloatArray(rows * columns * 3)
        // A picture smaller than a block is one block.
        val blockWidth = min(factor, image.width)
        val blockHeight = min(factor, image.height)
        val pixels = (blockWidth * blockHeight).toFloat()
        for (row in 0 until rows) {
            for (column in 0 until columns) {
                var red = 0
                var green = 0
                var blue = 0
                for (y in (top + row) * factor until (top + row) * factor + blockHeight) {
                    val start = y * image.width + (left + column) * factor
                    for (at in start until start + blockWidth) {
                        val pixel = image.argb[at]
                        red += pixel shr 16 and 0xff
                        green += pixel shr 8 and 0xff
                        blue += pixel and 0xff
                    }
                }
                val target = (row * columns + column) * 3
                values[target] = red / pixels
                values[target + 1] = green / pixels
                values[target + 2] = blue / pixels
            }
        }
    }

    /** The brightness 0..255 of one colour of a block; 0 outside the picture. */
    fun at(row: Int, column: Int, colour: Int): Float {
        val inside = row >= top && row < top + rows && column >= left && column < left + columns
        return if (inside) values[((row - top) * columns + column - left) * 3 + colour] else 0f
    }

    /** The first block of a range, or one behind its last, within `0..count`. */
    private fun clamp(position: Double, count: Int): Int =
        min(max(position, 0.0), count.toDouble()).toInt()
}

private fun mix(first: Float, second: Float, share: Float): Float =
    first * (1 - share) + second * share

private fun bilinear(window: BlockWindow, toImage: Affine, sizePx: Int): FloatArray {
    val crop = FloatArray(sizePx * sizePx * 3)
    for (row in 0 until sizePx) {
        for (column in 0 until sizePx) {
            val source = toImage.map(Uv(column.toDouble(), row.toDouble()))
            val left = floor(source.u)
            val top = floor(source.v)
            val du = (source.u - left).toFloat()
            val dv = (source.v - top).toFloat()
            val u = left.toInt()
            val v = top.toInt()
            for (colour in 0 until 3) {
                val upper = mix(window.at(v, u, colour), window.at(v, u + 1, colour), du)
                val lower = mix(window.at(v + 1, u, colour), window.at(v + 1, u + 1, colour), du)
                val value = mix(upper, lower, dv) / 255f
                crop[(row * sizePx + column) * 3 + colour] = min(max(value, 0f), 1f)
            }
        }
    }
    return crop
}
