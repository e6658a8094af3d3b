package dev.handgroups

/**
 * What a model file takes and returns and how its hands are found again in a picture.
 *
 * It is the content of `<model>.contract.json`, checked. All numbers of this library come from
 * here; its code has none of its own.
 *
 * @property model Name, fingerprint and size of the `.tflite` file.
 * @property input The network's input, a crop.
 * @property crop How the crop is cut out.
 * @property skeleton The joints and bones.
 * @property outputs The network's outputs by name.
 * @property decoding How outputs become coordinates.
 * @property recipe Name of the quantization recipe, for example `int8_mixed`.
 * @property grouping For each joint the learned group that it belongs to, from 0.
 * @property sides Which hands are mirrored.
 * @property recovery How 2.5D becomes 3D.
 * @property tracking How a hand is followed through frames; `null` in files of earlier versions.
 * @property trainingData What the network was trained on.
 * @property licence Of the model.
 */
public class Contract internal constructor(
    public val model: ModelFile,
    public val input: ModelInput,
    public val crop: CropRule,
    public val skeleton: Skeleton,
    public val outputs: Map<String, ModelTensor>,
    public val decoding: Decoding,
    public val recipe: String,
    public val grouping: List<Int>,
    public val sides: SideRule,
    public val recovery: RecoveryRule,
    public val tracking: TrackingRule?,
    public val trainingData: String,
    public val licence: String,
) {
    public companion object {
        /** The only schema that this library reads. */
        public const val SCHEMA: String = "tf_handgroups.contract/1"

        /**
         * Reads a contract.
         *
         * @param content The file.
         * @param where Its name for messages.
         * @throws InputException If it is no JSON, of another schema, or a field is missing,
         *   wrong, or says something that this library cannot do; the message names the field.
         */
        public fun parse(content: ByteArray, where: String): Contract =
            ContractParser(Fields.of(Json.parse(content, where), where)).contract()
    }
}

/**
 * A model file.
 *
 * @property file Its name, without folder.
 * @property sha256 Its SHA-256 in hexadecimal digits.
 * @property bytes Its size.
 * @property signature Name of its signature.
 */
public data class ModelFile(
    public val file: String,
    public val sha256: String,
    public val bytes: Int,
    public val signature: String,
)

/** What one number of a tensor is. */
public enum class ElementType { FLOAT32, INT8, UINT8 }

/**
 * What integers of a tensor mean: `(integer - zeroPoint) * scale`.
 *
 * @property scale One step.
 * @property zeroPoint The integer that means 0.
 */
public data class Quantization(public val scale: Double, public val zeroPoint: Int)

/**
 * A tensor of a model.
 *
 * @property shape Its sides, the first is 1.
 * @property type What its numbers are.
 * @property quantization What its integers mean, `null` for floats.
 */
public data class ModelTensor(
    public val shape: List<Int>,
    public val type: ElementType,
    public val quantization: Quantization?,
) {
    /** How many numbers it holds. */
    public val size: Int get() = shape.fold(1) { product, side -> product * side }
}

/**
 * The input of a model: RGB crops, floats in [0, 1] or the bytes that they come from.
 *
 * @property name Name in the signature.
 * @property tensor Shape and type.
 */
public data class ModelInput(public val name: String, public val tensor: ModelTensor)

/**
 * The joints of a hand.
 *
 * @property names One name per joint, for example `index_tip`.
 * @property parents For each joint the one that its bone comes from; the wrist's is itself.
 * @property root The joint that depths are relative to.
 * @property referenceBone The two joints whose distance is the unit of length.
 */
public data class Skeleton(
    public val names: List<String>,
    public val parents: List<Int>,
    public val root: Int,
    public val referenceBone: Pair<Int, Int>,
) {
    /** The bones as parent and child, in the order of the children. */
    public val bones: List<Pair<Int, Int>>
        get() = parents.indices.filter { parents[it] != it }.map { parents[it] to it }
}

/** How the outputs of a model become coordinates. */
public sealed interface Decoding {
    /** The model returns coordinates. */
    public data object Coordinates : Decoding

    /**
     * The model returns maps; a coordinate is the mean position under the softmax of a map.
     *
     * @property heatmaps Name of the output with the maps' logits.
     * @property depthMaps Name of the output with the depth at each cell.
     * @property stridePx Crop pixels from one cell to the next.
     * @property offsetPx Crop position of the first cell.
     * @property joints Which joint each channel is of.
     */
    public data class HeatmapExpectation(
        public val heatmaps: String,
        public val depthMaps: String,
        public val stridePx: Double,
        public val offsetPx: Double,
        public val joints: List<Int>,
    ) : Decoding
}

/**
 * An average hand, whose bones give a hand its scale.
 *
 * @property boneRatios Length of each of [Skeleton.bones] over that of the reference bone.
 * @property boneWeights How much each bone counts.
 * @property minImageShare At least this share of the squared bone lengths is taken to lie in
 *   the image plane.
 * @property maxRootDepth The root joint is at most so many reference bones away.
 */
public data class RecoveryRule(
    public val boneRatios: List<Double>,
    public val boneWeights: List<Double>,
    public val minImageShare: Double,
    public val maxRootDepth: Double,
)

/**
 * How a hand is followed through frames.
 *
 * @property presenceThreshold A hand with a lower probability of presence ends the track; `null`
 *   where the network cannot tell.
 * @property filter How joints are smoothed.
 */
public data class TrackingRule(
    public val presenceThreshold: Double?,
    public val filter: OneEuroSettings,
)

/**
 * Numbers of a [OneEuroFilter]. Speed is measured in hand sizes (longer sides of the tight box)
 * or reference bones per second.
 *
 * @property minCutoffHz Cutoff at rest: lower calms more and lags more.
 * @property beta By how many hertz the cutoff rises per unit of speed.
 * @property derivativeCutoffHz Cutoff of the filter of the speed itself.
 */
public data class OneEuroSettings(
    public val minCutoffHz: Double,
    public val beta: Double,
    public val derivativeCutoffHz: Double,
)
