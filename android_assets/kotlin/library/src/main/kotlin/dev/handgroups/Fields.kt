package dev.handgroups

/**
 * One JSON object whose fields have to be there and of the right type.
 *
 * @param where Name of the file for messages.
 * @param path Where in the file this object lies, for example `crop.`; empty for the whole.
 */
internal class Fields(
    val where: String,
    private val path: String,
    private val values: Map<String, Any?>,
) {
    val names: Set<String> get() = values.keys

    operator fun contains(name: String): Boolean = name in values

    fun text(name: String): String = required(name, "text") { it as? String }

    fun number(name: String): Double = required(name, "a number") { it as? Double }

    fun whole(name: String): Int = required(name, "a whole number", ::asWhole)

    fun flag(name: String): Boolean = required(name, "true or false") { it as? Boolean }

    fun wholes(name: String): List<Int> = required(name, "whole numbers") { list(it, ::asWhole) }

    fun numbers(name: String): List<Double> =
        required(name, "numbers") { list(it) { item -> item as? Double } }

    fun texts(name: String): List<String> =
        required(name, "texts") { list(it) { item -> item as? String } }

    fun fields(name: String): Fields {
        val inner = required(name, "an object") { it as? Map<*, *> }
        return of(inner, where, "$path$name.")
    }

    fun listOfFields(name: String): List<Fields> {
        val items = required(name, "a list of objects") { list(it) { item -> item as? Map<*, *> } }
        return items.mapIndexed { index, item -> of(item, where, "$path$name[$index].") }
    }

    /** The field must hold what this library can do. */
    fun only(name: String, known: String) {
        val found = text(name)
        if (found != known) wrong(name, "to be \"$known\"", "\"$found\"")
    }

    fun wrong(name: String, expected: String, received: Any?): Nothing = throw InputException(
        "$where: expected field $path$name $expected. Received: $path$name=$received. $FIX",
    )

    private fun <T : Any> required(name: String, kind: String, convert: (Any) -> T?): T {
        if (name !in values) {
            throw InputException(
                "$where: field $path$name is missing. Received: fields=${names.sorted()}. $FIX",
            )
        }
        val value = values[name]
        return value?.let(convert) ?: wrong(name, "to be $kind", shown(value))
    }

    companion object {
        private const val FIX = "Use the files that tf-handgroups bundle wrote."

        /** @throws InputException If the value is no JSON object. */
        fun of(value: Any?, where: String, path: String = ""): Fields {
            val entries = value as? Map<*, *> ?: throw InputException(
                "$where: expected a JSON object. Received: ${shown(value)}. $FIX",
            )
            return Fields(where, path, entries.entries.associate { (it.key as String) to it.value })
        }

        private fun asWhole(value: Any?): Int? =
            (value as? Double)?.takeIf { it.toInt().toDouble() == it }?.toInt()

        private fun <T : Any> list(value: Any, convert: (Any?) -> T?): List<T>? =
            (value as? List<*>)?.map { convert(it) ?: return null }

        private fun shown(value: Any?): String = value.toString().take(80)
    }
}
