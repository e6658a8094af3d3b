package dev.handgroups.android

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.TensorBuffer
import dev.handgroups.Contract
import dev.handgroups.CropRunner
import dev.handgroups.Decoder
import dev.handgroups.ElementType

/**
 * Runs a model file with LiteRT. May be called from any thread; calls wait for each other.
 *
 * @param contract Of the file, checked by `Bundle.contract`.
 * @param model The opened file; belongs to this runner from now on.
 */
public class LiteRtRunner internal constructor(
    private val contract: Contract,
    private val model: CompiledModel,
) : CropRunner, AutoCloseable {
    private val decoder = Decoder(contract)
    private val opened = ArrayList<AutoCloseable>()
    private val inputs: Map<String, TensorBuffer>
    private val outputs: Map<String, TensorBuffer>
    private var closed = false

    init {
        opened.add(model)
        try {
            val signature = contract.model.signature
            val name = contract.input.name
            inputs = mapOf(name to model.createInputBuffer(name, signature))
            opened.addAll(inputs.values)
            outputs = contract.outputs.keys.associateWith { output ->
                model.createOutputBuffer(output, signature).also { opened.add(it) }
            }
        } catch (error: Exception) {
            closeAll()
            throw error
        }
    }

    /**
     * Runs one crop.
     *
     * @throws IllegalStateException If the runner is closed.
     * @throws com.google.ai.edge.litert.LiteRtException If LiteRT fails.
     */
    @Synchronized
    override fun run(crop: FloatArray): Map<String, FloatArray> {
        check(!closed) { "LiteRtRunner: expected to be open. Received: a crop after close()." }
        val input = inputs.getValue(contract.input.name)
        when (contract.input.tensor.type) {
            ElementType.FLOAT32 -> input.writeFloat(crop)
            // LiteRT copies bytes as they are, whether they have a sign or not.
            else -> input.writeInt8(decoder.toBytes(crop))
        }
        model.run(inputs, outputs, contract.model.signature)
        return outputs.mapValues { (name, buffer) ->
            when (contract.outputs.getValue(name).type) {
                ElementType.FLOAT32 -> buffer.readFloat()
                else -> decoder.dequantized(name, buffer.readInt8())
            }
        }
    }

    /** Waits for a run that is going on and frees the memory of LiteRT. */
    @Synchronized
    override fun close() {
        if (!closed) closeAll()
        closed = true
    }

    private fun closeAll() {
        for (resource in opened.asReversed()) resource.close()
    }

    internal companion object {
        fun options(accelerator: Accelerator, threads: Int?): CompiledModel.Options {
            val options = CompiledModel.Options(accelerator)
            if (threads != null) options.cpuOptions = CompiledModel.CpuOptions(numThreads = threads)
            return options
        }
    }
}
