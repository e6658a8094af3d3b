package dev.handgroups.driver

import dev.handgroups.BoxFinder
import dev.handgroups.Contract
import dev.handgroups.CropRunner
import dev.handgroups.Fields
import dev.handgroups.GoldenArrays
import dev.handgroups.GoldenCheck
import dev.handgroups.GoldenLayout
import dev.handgroups.HandEstimator
import dev.handgroups.HandSide
import dev.handgroups.HandTracker
import dev.handgroups.Json
import dev.handgroups.RgbImage
import java.io.File
import kotlin.math.abs
import kotlin.math.max

/**
 * Stands in for LiteRT: returns what LiteRT returned in Python, call by call, and compares the
 * crops with those that Python made.
 */
private class Recording(request: Fields, private val contract: Contract) : CropRunner {
    private val folder = File(request.text("recording"))
    private val description = Json.parse(File(folder, "recording.json").readBytes(), "recording")
    private val layout = GoldenLayout.of(Fields.of(description, "recording"))
    private val arrays = GoldenArrays(File(folder, layout.file).readBytes(), layout)
    private var calls = 0
    private var largestCropDifference = 0.0

    override fun run(crop: FloatArray): Map<String, FloatArray> {
        val expected = arrays.doubles("$calls/crop")
        for (at in crop.indices) {
            largestCropDifference = max(largestCropDifference, abs(crop[at] - expected[at]))
        }
        val outputs = contract.outputs.keys.associateWith { name ->
            arrays.doubles("$calls/$name").map { it.toFloat() }.toFloatArray()
        }
        calls++
        return outputs
    }

    fun summary(): Map<String, Any> = mapOf("calls" to calls, "crop" to largestCropDifference)

    fun frame(index: Int): RgbImage {
        val (height, width) = arrays.shape("frame$index")
        return imageOf(arrays.doubles("frame$index"), width, height)
    }
}

internal fun goldenCheck(request: Fields): Any {
    val contract = contractOf(request)
    val recording = Recording(request, contract)
    val largest = GoldenCheck.run(bundleOf(request), contract.recipe, recording)
    return mapOf("largest" to largest) + recording.summary()
}

internal fun estimate(request: Fields): Any {
    val contract = contractOf(request)
    val recording = Recording(request, contract)
    val estimator = HandEstimator(contract, recording)
    val box = boxOf(request.numbers("box_px"))
    val hand = estimator.estimate(recording.frame(0), box, side(request))
    return mapOf("hand" to flat(hand)) + recording.summary()
}

internal fun track(request: Fields): Any {
    val contract = contractOf(request)
    val recording = Recording(request, contract)
    val finder = BoxFinder.fullFrame(contract.crop)
    val tracker = HandTracker(HandEstimator(contract, recording), finder, side(request))
    val hands = request.numbers("times").mapIndexed { index, time ->
        val hand = tracker.update(recording.frame(index), time)
        mapOf("hand" to flat(hand), "unsmoothed" to flat(tracker.unsmoothed))
    }
    return mapOf("hands" to hands) + recording.summary()
}

private fun side(request: Fields): HandSide? =
    if ("side" in request) HandSide.entries.first { it.word == request.text("side") } else null
