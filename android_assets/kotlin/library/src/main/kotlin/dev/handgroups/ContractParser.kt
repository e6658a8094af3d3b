package dev.handgroups

/** Turns the JSON of a contract into a [Contract]; refuses what the library cannot do. */
internal class ContractParser(private val values: Fields) {
    fun contract(): Contract {
        values.only("schema", Contract.SCHEMA)
        val skeleton = skeleton()
        val crop = crop()
        val outputs = outputs()
        val decoding = decoding(skeleton, outputs)
        for (name in listOf(UV, Z).takeIf { decoding == Decoding.Coordinates }.orEmpty()) {
            if (name !in outputs) values.fields("outputs").wrong(name, "to be there", "nothing")
        }
        checkShape(outputs, UV, listOf(1, skeleton.names.size, 2))
        checkShape(outputs, Z, listOf(1, skeleton.names.size))
        checkShape(outputs, PRESENCE, listOf(1, 1))
        checkShape(outputs, HANDEDNESS, listOf(1, 1))
        val grouping = values.wholes("grouping")
        if (grouping.size != skeleton.names.size || grouping.any { it < 0 }) {
            values.wrong("grouping", "to be one group per joint", grouping)
        }
        return Contract(
            model = model(),
            input = input(crop),
            crop = crop,
            skeleton = skeleton,
            outputs = outputs,
            decoding = decoding,
            recipe = values.fields("quantization").text("recipe"),
            grouping = grouping,
            sides = sides(HANDEDNESS in outputs),
            recovery = recovery(skeleton),
            tracking = if ("tracking" in values) tracking(PRESENCE in outputs) else null,
            trainingData = values.text("training_data"),
            licence = values.text("licence"),
        )
    }

    private fun model(): ModelFile {
        val fields = values.fields("model")
        val model = ModelFile(
            file = fields.text("file"),
            sha256 = fields.text("sha256"),
            bytes = fields.whole("bytes"),
            signature = fields.text("signature"),
        )
        checkPlainName(model.file, values.where)
        return model
    }

    private fun input(crop: CropRule): ModelInput {
        val fields = values.fields("input")
        fields.only("colour_order", "RGB")
        val tensor = tensor(fields)
        val range = fields.numbers("range")
        val shape = listOf(1, crop.sizePx, crop.sizePx, 3)
        if (tensor.shape != shape) {
            fields.wrong("shape", "to be $shape as crop.size_px says", tensor.shape)
        }
        val known = when (tensor.type) {
            ElementType.FLOAT32 -> listOf(0.0, 1.0)
            ElementType.UINT8 -> listOf(0.0, 255.0)
            ElementType.INT8 -> fields.wrong("dtype", "to be float32 or uint8", "int8")
        }
        if (range != known) fields.wrong("range", "to be $known", range)
        return ModelInput(fields.text("name"), tensor)
    }

    private fun crop(): CropRule {
        val fields = values.fields("crop")
        fields.only("shape", "square")
        fields.only("centre", "box centre")
        fields.only("border", "constant")
        fields.only("interpolation", "bilinear")
        val border = fields.number("border_value")
        if (border != 0.0) fields.wrong("border_value", "to be 0", border)
        val rule = CropRule(fields.whole("size_px"), fields.number("margin"))
        if (rule.sizePx !in SIZES) fields.wrong("size_px", "to be within $SIZES", rule.sizePx)
        if (rule.margin <= 0) fields.wrong("margin", "to be greater than 0", rule.margin)
        return rule
    }

    private fun skeleton(): Skeleton {
        val fields = values.fields("joints")
        fields.only("order", "canonical")
        val names = fields.texts("names")
        val parents = fields.wholes("parents")
        val bone = fields.wholes("reference_bone")
        val root = fields.whole("root")
        if (names.isEmpty()) fields.wrong("names", "to name the joints", names)
        if (parents.size != names.size || parents.any { it !in names.indices }) {
            fields.wrong("parents", "to be one of the ${names.size} joints per joint", parents)
        }
        // Bones are numbered by the joint that they end at; no bone ends at the first joint.
        if (parents.indices.any { (parents[it] == it) != (it == 0) }) {
            fields.wrong("parents", "to be another joint for each but the first", parents)
        }
        if (root !in names.indices) fields.wrong("root", "to be one of the joints", root)
        if (bone.size != 2 || bone.any { it !in names.indices }) {
            fields.wrong("reference_bone", "to be two of the joints", bone)
        }
        return Skeleton(names, parents, root, bone[0] to bone[1])
    }

    private fun outputs(): Map<String, ModelTensor> {
        val fields = values.fields("outputs")
        return fields.names.associateWith { tensor(fields.fields(it)) }
    }

    private fun tensor(fields: Fields): ModelTensor {
        val shape = fields.wholes("shape")
        if (shape.firstOrNull() != 1 || shape.any { it !in SIZES }) {
            fields.wrong("shape", "to begin with 1 and to be positive", shape)
        }
        val type = when (val name = fields.text("dtype")) {
            "float32" -> ElementType.FLOAT32
            "int8" -> ElementType.INT8
            "uint8" -> ElementType.UINT8
            else -> fields.wrong("dtype", "to be float32, int8 or uint8", name)
        }
        if (type != ElementType.FLOAT32 || "quantization" in fields) {
            val meaning = fields.fields("quantization")
            val quantization = Quantization(meaning.number("scale"), meaning.whole("zero_point"))
            return ModelTensor(shape, type, quantization)
        }
        return ModelTensor(shape, type, null)
    }

    private fun decoding(skeleton: Skeleton, outputs: Map<String, ModelTensor>): Decoding {
        if ("decoding" !in values) return Decoding.Coordinates // files of earlier versions
        val fields = values.fields("decoding")
        return when (val kind = fields.text("kind")) {
            "coordinates" -> Decoding.Coordinates
            "heatmap_expectation" -> {
                val decoding = Decoding.HeatmapExpectation(
                    heatmaps = fields.text("heatmaps"),
                    depthMaps = fields.text("depth_maps"),
                    stridePx = fields.number("stride_px"),
                    offsetPx = fields.number("offset_px"),
                    joints = fields.wholes("joints"),
                )
                if (decoding.joints.sorted() != skeleton.names.indices.toList()) {
                    fields.wrong("joints", "to hold every joint once", decoding.joints)
                }
                val maps = outputs[decoding.heatmaps]?.shape
                if (maps?.size != 4 || maps[3] != skeleton.names.size) {
                    fields.wrong("heatmaps", "to name an output [1, rows, columns, joints]", maps)
                }
                if (outputs[decoding.depthMaps]?.shape != maps) {
                    val found = outputs[decoding.depthMaps]?.shape
                    fields.wrong("depth_maps", "to name an output $maps", found)
                }
                decoding
            }
            else -> fields.wrong("kind", "to be coordinates or heatmap_expectation", kind)
        }
    }

    private fun checkShape(outputs: Map<String, ModelTensor>, name: String, shape: List<Int>) {
        val found = outputs[name] ?: return
        if (found.shape != shape) {
            values.fields("outputs").fields(name).wrong("shape", "to be $shape", found.shape)
        }
    }

    private fun sides(known: Boolean): SideRule {
        val fields = values.fields("handedness")
        val rule = SideRule(side(fields, "canonical"), side(fields, "mirrored_before"))
        if (rule.mirrored == rule.canonical) {
            fields.wrong("mirrored_before", "to be the other side than canonical", rule.mirrored)
        }
        if (known && side(fields, "positive_logit") != rule.canonical) {
            val found = fields.text("positive_logit")
            fields.wrong("positive_logit", "to be the side of canonical", found)
        }
        return rule
    }

    private fun side(fields: Fields, name: String): HandSide {
        val found = fields.text(name)
        return HandSide.entries.firstOrNull { it.word == found }
            ?: fields.wrong(name, "to be left or right", found)
    }

    private fun recovery(skeleton: Skeleton): RecoveryRule {
        val fields = values.fields("recovery")
        fields.only("kind", "all_bones")
        val rule = RecoveryRule(
            boneRatios = fields.numbers("bone_ratios"),
            boneWeights = fields.numbers("bone_weights"),
            minImageShare = fields.number("min_image_share"),
            maxRootDepth = fields.number("max_root_depth"),
        )
        val lists = mapOf("bone_ratios" to rule.boneRatios, "bone_weights" to rule.boneWeights)
        for ((name, list) in lists) {
            if (list.size != skeleton.bones.size || list.any { it <= 0 }) {
                fields.wrong(name, "to be ${skeleton.bones.size} numbers greater than 0", list)
            }
        }
        for (name in listOf("min_image_share", "max_root_depth")) {
            val number = fields.number(name)
            if (number <= 0) fields.wrong(name, "to be greater than 0", number)
        }
        return rule
    }

    private fun tracking(knowsPresence: Boolean): TrackingRule {
        val fields = values.fields("tracking")
        fields.fields("box").only("from", "landmarks")
        val filter = fields.fields("filter")
        filter.only("kind", "one_euro")
        val settings = OneEuroSettings(
            minCutoffHz = filter.number("min_cutoff_hz"),
            beta = filter.number("beta"),
            derivativeCutoffHz = filter.number("derivative_cutoff_hz"),
        )
        for (name in listOf("min_cutoff_hz", "derivative_cutoff_hz")) {
            val cutoff = filter.number(name)
            if (cutoff <= 0) filter.wrong(name, "to be greater than 0", cutoff)
        }
        if (settings.beta < 0) filter.wrong("beta", "to be at least 0", settings.beta)
        val threshold = if (knowsPresence) fields.number("presence_threshold") else null
        if (threshold != null && threshold !in 0.0..1.0) {
            fields.wrong("presence_threshold", "to be a probability", threshold)
        }
        return TrackingRule(threshold, settings)
    }

    private companion object {
        // Nobody's crop or map is larger; a wrong number must not ask for all the memory.
        val SIZES = 1..4096
    }
}

// Names of outputs, the same in every contract of this schema.
internal const val UV = "uv_px"
internal const val Z = "z_rel"
internal const val PRESENCE = "presence"
internal const val HANDEDNESS = "handedness"

/** A file name of a bundle must not lead out of its folder. */
internal fun checkPlainName(name: String, where: String) {
    if (name in listOf("", ".", "..") || name.any { it == '/' || it == '\\' || it < ' ' }) {
        throw InputException(
            "$where: expected the name of a file in the bundle's folder. Received: file=$name. " +
                "Use the files that tf-handgroups bundle wrote.",
        )
    }
}
