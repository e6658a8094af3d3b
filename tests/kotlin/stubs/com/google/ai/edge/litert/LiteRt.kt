package com.google.ai.edge.litert

import android.content.res.AssetManager

enum class Accelerator { NONE, CPU, GPU, NPU }

class LiteRtException(message: String) : Exception(message)

abstract class JniHandle internal constructor() : AutoCloseable {
    final override fun close(): Unit = throw UnsupportedOperationException()
}

class Environment private constructor() : JniHandle()

class TensorBuffer internal constructor() : JniHandle() {
    fun writeFloat(data: FloatArray): Unit = throw UnsupportedOperationException()

    fun writeInt8(data: ByteArray): Unit = throw UnsupportedOperationException()

    fun readFloat(): FloatArray = throw UnsupportedOperationException()

    fun readInt8(): ByteArray = throw UnsupportedOperationException()
}

class CompiledModel private constructor() : JniHandle() {
    data class CpuOptions(
        val numThreads: Int? = null,
        val xnnPackFlags: Int? = null,
        val xnnPackWeightCachePath: String? = null,
    )

    class Options(vararg accelerators: Accelerator) {
        var cpuOptions: CpuOptions? = null

        companion object {
            @JvmStatic val CPU: Options = Options(Accelerator.CPU)
        }
    }

    fun createInputBuffer(inputName: String, signature: String? = null): TensorBuffer =
        throw UnsupportedOperationException()

    fun createOutputBuffer(outputName: String, signature: String? = null): TensorBuffer =
        throw UnsupportedOperationException()

    fun run(
        inputs: Map<String, TensorBuffer>,
        outputs: Map<String, TensorBuffer>,
        signature: String? = null,
    ): Unit = throw UnsupportedOperationException()

    companion object {
        @JvmOverloads
        @JvmStatic
        fun create(
            assetManager: AssetManager,
            assetName: String,
            options: Options = Options.CPU,
            optionalEnv: Environment? = null,
        ): CompiledModel = throw UnsupportedOperationException()

        @JvmOverloads
        @JvmStatic
        fun create(
            filePath: String,
            options: Options = Options.CPU,
            optionalEnv: Environment? = null,
        ): CompiledModel = throw UnsupportedOperationException()
    }
}
