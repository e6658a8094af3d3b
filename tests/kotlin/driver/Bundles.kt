package dev.handgroups.driver

import dev.handgroups.Bundle
import dev.handgroups.BundleFiles
import dev.handgroups.Contract
import dev.handgroups.Decoding
import dev.handgroups.Fields
import java.io.File

internal fun bundleOf(request: Fields): Bundle =
    Bundle.open(BundleFiles.folder(File(request.text("folder"))))

internal fun contractOf(request: Fields): Contract {
    val bundle = bundleOf(request)
    return if ("variant" in request) bundle.contract(request.text("variant")) else bundle.contract()
}

internal fun describedContract(request: Fields): Any {
    val file = File(request.text("file"))
    return described(Contract.parse(file.readBytes(), file.name))
}

/** What an app would do when it starts: the default model, or all files. */
internal fun describedBundle(request: Fields): Any {
    val bundle = bundleOf(request)
    if ("all" in request) bundle.checkAllFiles()
    return mapOf(
        "default" to bundle.defaultVariant,
        "variants" to bundle.variants,
        "contract" to described(contractOf(request)),
    )
}

private fun described(contract: Contract): Any {
    val decoding = contract.decoding
    return mapOf(
        "file" to contract.model.file,
        "signature" to contract.model.signature,
        "input" to contract.input.tensor.shape,
        "input type" to contract.input.tensor.type.name,
        "size_px" to contract.crop.sizePx,
        "margin" to contract.crop.margin,
        "names" to contract.skeleton.names,
        "bones" to contract.skeleton.bones.map { listOf(it.first, it.second) },
        "root" to contract.skeleton.root,
        "reference_bone" to contract.skeleton.referenceBone.toList(),
        "outputs" to contract.outputs.mapValues { it.value.shape },
        "scales" to contract.outputs.mapValues { it.value.quantization?.scale },
        "stride_px" to (decoding as? Decoding.HeatmapExpectation)?.stridePx,
        "recipe" to contract.recipe,
        "grouping" to contract.grouping,
        "mirrored" to contract.sides.mirrored.word,
        "bone_ratios" to contract.recovery.boneRatios,
        "bone_weights" to contract.recovery.boneWeights,
        "presence_threshold" to contract.tracking?.presenceThreshold,
        "min_cutoff_hz" to contract.tracking?.filter?.minCutoffHz,
        "beta" to contract.tracking?.filter?.beta,
        "derivative_cutoff_hz" to contract.tracking?.filter?.derivativeCutoffHz,
        "training_data" to contract.trainingData,
        "licence" to contract.licence,
    )
}
