package dev.handgroups.driver

import dev.handgroups.Fields
import dev.handgroups.Json
import java.io.File

/**
 * Carries out requests of the tests in Python, which judge the results.
 *
 * The first argument is a JSON file with a list of requests, the second the JSON file to write:
 * for each request `{"result": ...}`, or `{"error": message, "type": class}`.
 */
internal fun main(arguments: Array<String>) {
    val (source, target) = arguments.map(::File)
    val requests = Json.parse(source.readBytes(), source.name) as List<*>
    val answers = requests.map { request ->
        try {
            mapOf("result" to answer(Fields.of(request, source.name)))
        } catch (error: Exception) {
            mapOf("error" to error.message, "type" to error::class.simpleName)
        }
    }
    target.writeText(jsonText(answers))
}

private fun answer(request: Fields): Any? = when (val what = request.text("do")) {
    "json" -> Json.parse(File(request.text("file")).readBytes(), "the file")
    "contract" -> describedContract(request)
    "bundle" -> describedBundle(request)
    "steps" -> goldenSteps(request)
    "golden" -> goldenCheck(request)
    "estimate" -> estimate(request)
    "track" -> track(request)
    "rotate" -> rotate(request)
    "filter times" -> filterTimes(request)
    "recover" -> recover(request)
    "crop box" -> cropBox(request)
    "mirror" -> mirror(request)
    "view" -> view(request)
    "find" -> find(request)
    "bytes" -> bytes(request)
    else -> throw IllegalArgumentException("unknown request $what")
}
