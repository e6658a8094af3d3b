package dev.handgroups.driver

import dev.handgroups.BundleFiles
import dev.handgroups.Contract
import dev.handgroups.CropRule
import dev.handgroups.Decoded
import dev.handgroups.Decoder
import dev.handgroups.Decoding
import dev.handgroups.ElementType
import dev.handgroups.Fields
import dev.handgroups.GoldenArrays
import dev.handgroups.GoldenLayout
import dev.handgroups.HandEstimator
import dev.handgroups.HandSide
import dev.handgroups.Intrinsics
import dev.handgroups.Json
import dev.handgroups.ModelTensor
import dev.handgroups.OneEuroFilter
import dev.handgroups.OneEuroSettings
import dev.handgroups.Uv
import dev.handgroups.read
import dev.handgroups.tightBox
import java.io.File

/** Carries out every case of a bundle's golden steps; the results by name of the case. */
internal fun goldenSteps(request: Fields): Any {
    val files = BundleFiles.folder(File(request.text("folder")))
    bundleOf(request).checkAllFiles()
    val bundle = Fields.of(Json.parse(files.read("bundle.json"), "bundle.json"), "bundle.json")
    val entry = bundle.fields("golden_steps")
    val layout = GoldenLayout.of(entry)
    val arrays = GoldenArrays(files.read(layout.file), layout)
    val name = entry.text("cases")
    val cases = Fields.of(Json.parse(files.read(name), name), name).listOfFields("cases")
    val contract = contractOf(request)
    return cases.associate {
        it.text("name") to Step(contract, it.fields("inputs"), arrays).run(it.text("step"))
    }
}

private class Step(
    private val contract: Contract,
    private val inputs: Fields,
    private val arrays: GoldenArrays,
) {
    fun run(step: String): Map<String, Any?> = when (step) {
        "crop" -> crop()
        "decode" -> decode()
        "hand" -> hand()
        "side" -> {
            val logits = listOf("handedness_as_it_is", "handedness_flipped").map(inputs::number)
            mapOf("side" to contract.sides.decide(logits[0], logits[1]).word)
        }
        "box" -> mapOf("box_px" to listOf(tightBox(points("uv_px"))))
        "filter" -> filter()
        else -> throw IllegalArgumentException("unknown step $step")
    }.mapValues { flat(it.value) }

    private fun crop(): Map<String, Any?> {
        val name = name("image")
        val (height, width) = arrays.shape(name)
        val image = imageOf(arrays.doubles(name), width, height)
        val rule = CropRule(inputs.whole("size"), contract.crop.margin)
        val matrix = rule.matrix(boxOf(inputs.numbers("box_px")), inputs.flag("mirror"))
        return mapOf("matrix" to matrix, "crop" to rule.cut(image, matrix))
    }

    private fun decode(): Map<String, Any?> {
        val section = inputs.fields("decoding")
        val decoding = Decoding.HeatmapExpectation(
            heatmaps = section.text("heatmaps"),
            depthMaps = section.text("depth_maps"),
            stridePx = section.number("stride_px"),
            offsetPx = section.number("offset_px"),
            joints = section.wholes("joints"),
        )
        val maps = listOf("heatmaps", "depth_maps")
        val outputs = maps.associate { section.text(it) to floats(it) }
        val shape = listOf(1) + arrays.shape(name("heatmaps"))
        val tensor = ModelTensor(shape, ElementType.FLOAT32, null)
        val other = Contract(
            contract.model, contract.input, contract.crop, contract.skeleton,
            outputs.mapValues { tensor }, decoding, contract.recipe, contract.grouping,
            contract.sides, contract.recovery, contract.tracking, contract.trainingData,
            contract.licence,
        )
        val decoded = Decoder(other).decode(outputs)
        return mapOf("uv_px" to decoded.uvPx, "z_rel" to decoded.zRel)
    }

    private fun hand(): Map<String, Any?> {
        require(inputs.whole("size") == contract.crop.sizePx) { "the case is for another crop" }
        val side = HandSide.entries.first { it.word == inputs.text("side") }
        val decoded = Decoded(
            points("uv_px"), arrays.doubles(name("z_rel")).toList(),
            inputs.number("presence"), inputs.number("handedness"),
        )
        val estimator = HandEstimator(contract) { error("no network") }
        val hand = estimator.hand(boxOf(inputs.numbers("box_px")), side, decoded)
        val k = arrays.doubles(name("intrinsics_px"))
        val camera = Intrinsics(fx = k[0], fy = k[4], cx = k[2], cy = k[5], skew = k[1])
        val bone = inputs.number("bone_mm")
        return mapOf(
            "uv_px" to hand.uvPx,
            "z_rel" to hand.zRel,
            "presence" to hand.presence,
            "xyz_relative" to hand.xyzRelative,
            "xyz_camera_mm" to estimator.recovery.absoluteMm(hand.uvPx, hand.zRel, camera, bone),
        )
    }

    private fun filter(): Map<String, Any?> {
        val section = inputs.fields("settings")
        val settings = OneEuroSettings(
            section.number("min_cutoff_hz"), section.number("beta"),
            section.number("derivative_cutoff_hz"),
        )
        val times = arrays.doubles(name("time_s"))
        val points = points("uv_px").chunked(contract.skeleton.names.size)
        val depths = arrays.doubles(name("z_rel")).toList().chunked(contract.skeleton.names.size)
        val filter = OneEuroFilter(settings)
        val frames = times.indices.map { filter.filter(times[it], points[it], depths[it]) }
        return mapOf(
            "uv_px" to frames.flatMap { it.first },
            "z_rel" to frames.flatMap { it.second },
        )
    }

    private fun name(input: String): String = inputs.fields(input).text("array")

    private fun floats(input: String): FloatArray =
        arrays.doubles(name(input)).map { it.toFloat() }.toFloatArray()

    private fun points(input: String): List<Uv> = pointsOf(arrays.doubles(name(input)).toList())
}
