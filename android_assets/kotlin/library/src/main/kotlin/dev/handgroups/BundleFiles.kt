package dev.handgroups

import java.io.File
import java.io.IOException
import java.io.InputStream

/** Where the files of a bundle are: a folder, or the assets of an app. */
public fun interface BundleFiles {
    /**
     * Opens a file for reading.
     *
     * @param name Its name, without folder.
     * @throws IOException If there is no such file.
     */
    @Throws(IOException::class)
    public fun open(name: String): InputStream

    public companion object {
        /** Files in a folder of the file system. */
        public fun folder(folder: File): BundleFiles =
            BundleFiles { File(folder, it).inputStream() }
    }
}

internal fun BundleFiles.read(name: String): ByteArray = using(name) { it.readBytes() }

internal fun BundleFiles.sha256(name: String): String = using(name, Sha256::of)

private fun <T> BundleFiles.using(name: String, use: (InputStream) -> T): T = try {
    open(name).use(use)
} catch (error: IOException) {
    throw InputException(
        "$name: expected this file in the bundle. Received: ${error.message}. " +
            "Copy the whole bundle again.",
        error,
    )
}
