package dev.handgroups.android

import android.graphics.Bitmap
import android.graphics.PixelFormat
import androidx.camera.core.ImageProxy
import dev.handgroups.InputException
import dev.handgroups.RgbImage

/**
 * Copies the pixels of a bitmap, whatever its configuration.
 *
 * @throws IllegalStateException From Android, if the bitmap is of the configuration `HARDWARE`;
 *   `copy(Bitmap.Config.ARGB_8888, false)` makes a readable one.
 */
public fun Bitmap.toRgbImage(): RgbImage {
    val pixels = IntArray(width * height)
    getPixels(pixels, 0, width, 0, 0, width, height)
    return RgbImage(width, height, pixels)
}

/**
 * Copies a camera frame and turns it upright. Does not close it.
 *
 * The picture is as the lens sees it, from a front camera too: it is the preview that is flipped.
 *
 * @throws InputException If the frame has another format than RGBA.
 */
public fun ImageProxy.toRgbImage(): RgbImage {
    if (format != PixelFormat.RGBA_8888) {
        throw InputException(
            "ImageProxy.toRgbImage: expected RGBA pixels. Received: format=$format. Build the " +
                "ImageAnalysis with setOutputImageFormat(OUTPUT_IMAGE_FORMAT_RGBA_8888).",
        )
    }
    val plane = planes[0]
    return RgbImage.fromRgba(plane.buffer, width, height, plane.rowStride, plane.pixelStride)
        .rotated(imageInfo.rotationDegrees)
}
