package dev.handgroups

import java.nio.ByteBuffer

/**
 * A picture in memory, upright as a person sees it.
 *
 * @property width Pixels.
 * @property height Pixels.
 * @property argb `width * height` pixels row by row, each `0xAARRGGBB` as `Bitmap.getPixels`
 *   writes them; the alpha is not looked at. The array is kept, not copied.
 * @throws InputException If a side is not positive or the number of pixels is another one.
 */
public class RgbImage(
    public val width: Int,
    public val height: Int,
    public val argb: IntArray,
) {
    init {
        if (width <= 0 || height <= 0 || argb.size.toLong() != width.toLong() * height) {
            throw InputException(
                "RgbImage: expected width > 0, height > 0 and width * height pixels. " +
                    "Received: width=$width, height=$height, pixels=${argb.size}.",
            )
        }
    }

    /**
     * Returns the picture turned clockwise.
     *
     * @param degrees 0, 90, 180 or 270, for example CameraX's `imageInfo.rotationDegrees`.
     * @throws InputException If it is another angle.
     */
    public fun rotated(degrees: Int): RgbImage = when (degrees) {
        0 -> this
        90 -> turned(height, width) { row, column -> (height - 1 - column) * width + row }
        180 -> turned(width, height) { row, column -> argb.size - 1 - row * width - column }
        270 -> turned(height, width) { row, column -> column * width + width - 1 - row }
        else -> throw InputException(
            "RgbImage.rotated: expected 0, 90, 180 or 270 degrees. Received: degrees=$degrees.",
        )
    }

    private inline fun turned(newWidth: Int, newHeight: Int, source: (Int, Int) -> Int): RgbImage {
        val pixels = IntArray(argb.size)
        for (row in 0 until newHeight) {
            for (column in 0 until newWidth) {
                pixels[row * newWidth + column] = argb[source(row, column)]
            }
        }
        return RgbImage(newWidth, newHeight, pixels)
    }

    public companion object {
        /**
         * Copies pixels out of a camera buffer.
         *
         * @param buffer Bytes red, green, blue, alpha per pixel; its position is left alone.
         * @param width Pixels per row.
         * @param height Rows.
         * @param rowStride Bytes from one row to the next.
         * @param pixelStride Bytes from one pixel to the next.
         * @throws InputException If the buffer is too small for these numbers.
         */
        public fun fromRgba(
            buffer: ByteBuffer,
            width: Int,
            height: Int,
            rowStride: Int,
            pixelStride: Int,
        ): RgbImage {
            val needed = (height - 1L) * rowStride + (width - 1L) * pixelStride + BYTES_USED
            val fits = pixelStride >= BYTES_USED && rowStride >= width.toLong() * pixelStride - 1
            if (width <= 0 || height <= 0 || !fits || buffer.limit() < needed) {
                throw InputException(
                    "RgbImage.fromRgba: expected a buffer of at least $needed bytes with RGBA " +
                        "pixels. Received: bytes=${buffer.limit()}, width=$width, " +
                        "height=$height, rowStride=$rowStride, pixelStride=$pixelStride. " +
                        "Ask CameraX for OUTPUT_IMAGE_FORMAT_RGBA_8888.",
                )
            }
            val row = ByteArray((width - 1) * pixelStride + BYTES_USED)
            val source = buffer.duplicate()
            val pixels = IntArray(width * height)
            for (y in 0 until height) {
                source.position(y * rowStride)
                source.get(row)
                for (x in 0 until width) {
                    val at = x * pixelStride
                    pixels[y * width + x] = OPAQUE or
                        (row[at].toInt() and 0xff shl 16) or
                        (row[at + 1].toInt() and 0xff shl 8) or
                        (row[at + 2].toInt() and 0xff)
                }
            }
            return RgbImage(width, height, pixels)
        }

        private const val BYTES_USED = 3
        private const val OPAQUE = 0xff shl 24
    }
}
