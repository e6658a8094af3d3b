package dev.handgroups

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.nio.charset.CodingErrorAction

/**
 * A strict JSON reader (RFC 8259), so that the library needs none.
 *
 * Objects become [Map], arrays [List], numbers [Double], and `true`, `false`, `null` what they
 * are in Kotlin. `NaN`, infinite numbers, repeated names, comments and anything behind the
 * value are refused, and so is nesting deeper than [MAX_DEPTH].
 */
internal class Json private constructor(private val text: String, private val where: String) {
    private var position = 0

    private fun document(): Any? {
        val value = value(0)
        skipSpace()
        if (position < text.length) fail("something behind the end, ${shown()}")
        return value
    }

    private fun value(depth: Int): Any? {
        if (depth > MAX_DEPTH) fail("more than $MAX_DEPTH levels")
        skipSpace()
        return when (peek()) {
            '{' -> objectAt(depth)
            '[' -> arrayAt(depth)
            '"' -> string()
            't' -> word("true", true)
            'f' -> word("false", false)
            'n' -> word("null", null)
            else -> number()
        }
    }

    private fun objectAt(depth: Int): Map<String, Any?> {
        val fields = LinkedHashMap<String, Any?>()
        position++
        skipSpace()
        if (peek() == '}') {
            position++
            return fields
        }
        while (true) {
            skipSpace()
            if (peek() != '"') fail("no name of a field but ${shown()}")
            val name = string()
            if (name in fields) fail("the field \"$name\" twice")
            skipSpace()
            if (peek() != ':') fail("no colon but ${shown()}")
            position++
            fields[name] = value(depth + 1)
            if (!another('}')) return fields
        }
    }

    private fun arrayAt(depth: Int): List<Any?> {
        val items = ArrayList<Any?>()
        position++
        skipSpace()
        if (peek() == ']') {
            position++
            return items
        }
        while (true) {
            items.add(value(depth + 1))
            if (!another(']')) return items
        }
    }

    /** Passes a comma, or the end of an object or array. */
    private fun another(end: Char): Boolean {
        skipSpace()
        val next = peek()
        if (next != ',' && next != end) fail("no comma or $end but ${shown()}")
        position++
        return next == ','
    }

    private fun string(): String {
        val built = StringBuilder()
        position++
        while (true) {
            val next = peek()
            position++
            when {
                next == '"' -> return built.toString()
                next == '\\' -> built.append(escaped())
                next < ' ' -> fail("a control character in a text")
                else -> built.append(next)
            }
        }
    }

    private fun escaped(): Char {
        val next = peek()
        position++
        return when (next) {
            '"', '\\', '/' -> next
            'b' -> '\b'
            'f' -> '\u000c'
            'n' -> '\n'
            'r' -> '\r'
            't' -> '\t'
            'u' -> {
                val digits = text.drop(position).take(4)
                if (!HEXADECIMAL.matches(digits)) fail("\\u$digits")
                position += 4
                digits.toInt(16).toChar()
            }
            else -> fail("\\$next")
        }
    }

    private fun word(word: String, value: Boolean?): Boolean? {
        if (!text.startsWith(word, position)) fail(shown())
        position += word.length
        return value
    }

    private fun number(): Double {
        val end = text.indices.firstOrNull { it >= position && text[it] !in NUMBER_SIGNS }
        val written = text.substring(position, end ?: text.length)
        if (!NUMBER.matches(written)) fail(shown())
        val value = written.toDouble()
        if (value.isInfinite()) fail("a number without end, $written")
        position += written.length
        return value
    }

    private fun skipSpace() {
        while (position < text.length && text[position] in SPACE) position++
    }

    private fun peek(): Char = if (position < text.length) text[position] else fail("its end")

    private fun shown(): String = text.drop(position).take(MAX_SHOWN).ifEmpty { "its end" }

    private fun fail(found: String): Nothing {
        val before = text.take(position)
        val line = before.count { it == '\n' } + 1
        val column = position - before.lastIndexOf('\n')
        throw InputException(
            "$where: expected JSON. Received: $found at line $line, column $column. " +
                "The file is damaged; copy the whole bundle again.",
        )
    }

    companion object {
        const val MAX_DEPTH = 32
        private const val MAX_SHOWN = 24
        private const val SPACE = " \t\r\n"
        private const val NUMBER_SIGNS = "+-.0123456789eE"
        private val NUMBER = Regex("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?")
        private val HEXADECIMAL = Regex("[0-9a-fA-F]{4}")

        /**
         * Reads UTF-8 text.
         *
         * @param content The file.
         * @param where Its name for messages.
         * @throws InputException If it is not JSON, says where.
         */
        fun parse(content: ByteArray, where: String): Any? {
            val decoder = Charsets.UTF_8.newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT)
            val text = try {
                decoder.decode(ByteBuffer.wrap(content)).toString()
            } catch (error: CharacterCodingException) {
                throw InputException(
                    "$where: expected JSON in UTF-8. Received: other bytes. " +
                        "The file is damaged; copy the whole bundle again.",
                    error,
                )
            }
            return Json(text, where).document()
        }
    }
}
