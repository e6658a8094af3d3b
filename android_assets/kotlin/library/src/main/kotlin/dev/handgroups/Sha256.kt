package dev.handgroups

import java.io.InputStream
import java.security.MessageDigest

/** Fingerprints of files. */
internal object Sha256 {
    /** Returns the SHA-256 of the rest of a stream as 64 hexadecimal digits; does not close it. */
    fun of(stream: InputStream): String {
        val digest = MessageDigest.getInstance("SHA-256")
        val buffer = ByteArray(1 shl 16)
        while (true) {
            val count = stream.read(buffer)
            if (count < 0) break
            digest.update(buffer, 0, count)
        }
        return digest.digest().joinToString("") { "%02x".format(it) }
    }
}
