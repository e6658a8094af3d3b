package dev.handgroups.driver

/** Writes what a request brought about as JSON. */
internal fun jsonText(value: Any?): String = when (value) {
    null, is Boolean -> value.toString()
    is String -> quoted(value)
    is Double -> if (value.isFinite()) value.toString() else quoted(value.toString())
    is Float -> jsonText(value.toDouble())
    is Number -> value.toString()
    is DoubleArray -> jsonText(value.asList())
    is FloatArray -> jsonText(value.asList())
    is IntArray -> jsonText(value.asList())
    is Collection<*> -> value.joinToString(",", "[", "]") { jsonText(it) }
    is Map<*, *> -> value.entries.joinToString(",", "{", "}") {
        "${quoted(it.key.toString())}:${jsonText(it.value)}"
    }
    else -> throw IllegalArgumentException("no JSON for ${value::class}")
}

private fun quoted(text: String): String = text.map {
    if (it in ' '..'~' && it != '"' && it != '\\') it.toString() else "\\u%04x".format(it.code)
}.joinToString("", "\"", "\"")
