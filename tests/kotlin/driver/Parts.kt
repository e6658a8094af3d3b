package dev.handgroups.driver

import dev.handgroups.BoxFinder
import dev.handgroups.CropRule
import dev.handgroups.Decoder
import dev.handgroups.Fields
import dev.handgroups.Intrinsics
import dev.handgroups.Mirroring
import dev.handgroups.OneEuroFilter
import dev.handgroups.OneEuroSettings
import dev.handgroups.Recovery
import dev.handgroups.RgbImage
import dev.handgroups.Uv
import dev.handgroups.ViewTransform
import dev.handgroups.Xyz
import java.nio.ByteBuffer

internal fun rotate(request: Fields): Any {
    val bytes = request.wholes("buffer").map { it.toByte() }.toByteArray()
    val image = RgbImage.fromRgba(
        ByteBuffer.wrap(bytes), request.whole("width"), request.whole("height"),
        request.whole("row_stride"), request.whole("pixel_stride"),
    ).rotated(request.whole("degrees"))
    val rgb = image.argb.flatMap { listOf(it shr 16 and 0xff, it shr 8 and 0xff, it and 0xff) }
    return mapOf("width" to image.width, "height" to image.height, "rgb" to rgb)
}

internal fun filterTimes(request: Fields): Any {
    val filter = OneEuroFilter(OneEuroSettings(1.5, 8.0, 1.0))
    return request.numbers("times").mapIndexed { frame, time ->
        if ("reset_before" in request && request.whole("reset_before") == frame) filter.reset()
        val joints = if (frame == 0) 21 else request.whole("joints")
        val points = List(joints) { Uv(it + 10.0 * frame, 0.0) }
        flat(filter.filter(time, points, List(request.whole("depths")) { frame * 0.5 }).first)
    }
}

internal fun recover(request: Fields): Any? {
    val contract = contractOf(request)
    val recovery = Recovery(contract.skeleton, contract.recovery)
    val points = pointsOf(request.numbers("uv_px"))
    val depths = request.numbers("z_rel")
    if ("bone_mm" !in request) return flat(recovery.weakPerspective(points, depths))
    return flat(recovery.absoluteMm(points, depths, camera(request), request.number("bone_mm")))
}

private fun camera(request: Fields): Intrinsics {
    val (fx, fy, cx, cy, skew) = request.numbers("camera")
    return Intrinsics(fx, fy, cx, cy, skew)
}

internal fun cropBox(request: Fields): Any? {
    // As texts, because JSON has no NaN.
    val box = boxOf(request.texts("box_px").map { it.toDouble() })
    return flat(CropRule(32, 1.5).matrix(box, mirror = false))
}

internal fun mirror(request: Fields): Any {
    val width = request.whole("width")
    val camera = Mirroring.intrinsics(camera(request), width)
    return mapOf(
        "uv_px" to flat(pointsOf(request.numbers("uv_px")).map { Mirroring.uv(it, width) }),
        "box_px" to flat(Mirroring.box(boxOf(request.numbers("box_px")), width)),
        "xyz" to flat(Mirroring.xyz(Xyz(1.0, 2.0, 3.0))),
        "camera" to listOf(camera.fx, camera.fy, camera.cx, camera.cy, camera.skew),
    )
}

internal fun view(request: Fields): Any? {
    val (width, height, viewWidth, viewHeight) = request.wholes("sizes")
    val transform = ViewTransform(width, height, viewWidth, viewHeight, request.flag("mirrored"))
    return flat(pointsOf(request.numbers("points")).map(transform::map))
}

internal fun find(request: Fields): Any? {
    val finder = if ("share" in request) {
        BoxFinder.centre(request.number("share"))
    } else {
        BoxFinder.fullFrame(contractOf(request).crop)
    }
    val (width, height) = request.wholes("size")
    return flat(finder.find(RgbImage(width, height, IntArray(width * height))))
}

internal fun bytes(request: Fields): Any {
    val decoder = Decoder(contractOf(request))
    if ("crop" in request) {
        val crop = request.numbers("crop").map { it.toFloat() }.toFloatArray()
        return decoder.toBytes(crop).map { it.toInt() and 0xff }
    }
    val values = request.wholes("values").map { it.toByte() }.toByteArray()
    return decoder.dequantized(request.text("output"), values)
}
