package dev.handgroups

/**
 * The folder that `tf-handgroups bundle` writes: models, contracts, golden vectors, checksums.
 *
 * @property defaultVariant Name of the variant to use unless there is a reason for another.
 * @property variants Names of all variants.
 */
public class Bundle private constructor(
    private val files: BundleFiles,
    private val sums: Map<String, String>,
    public val defaultVariant: String,
    private val entries: Map<String, Entry>,
) {
    public val variants: Set<String> get() = entries.keys

    /**
     * Returns the contract of a variant after checking it and the model file.
     *
     * Files of other variants are not looked at, so that an app may leave them out.
     *
     * @param variant One of [variants].
     * @throws InputException If the variant is unknown, or its contract or model is missing,
     *   changed, or another than the bundle says.
     */
    public fun contract(variant: String = defaultVariant): Contract {
        val entry = entry(variant)
        checkSum(entry.contract)
        val contract = Contract.parse(files.read(entry.contract), entry.contract)
        val sha256 = checkSum(entry.file)
        if (contract.model.file != entry.file || contract.model.sha256 != sha256) {
            throw InputException(
                "${entry.contract}: expected the contract of ${entry.file} with SHA-256 $sha256. " +
                    "Received: file=${contract.model.file}, sha256=${contract.model.sha256}. $FIX",
            )
        }
        if (contract.recipe != variant) {
            throw InputException(
                "${entry.contract}: expected the recipe $variant of $BUNDLE_FILE. " +
                    "Received: recipe=${contract.recipe}. $FIX",
            )
        }
        return contract
    }

    /**
     * Checks every file of the bundle, golden vectors and licence too.
     *
     * @throws InputException If one is missing or changed.
     */
    public fun checkAllFiles() {
        for (name in sums.keys) checkSum(name)
    }

    internal fun golden(variant: String): GoldenArrays {
        val entry = entry(variant).golden
        checkSum(entry.file)
        return GoldenArrays(files.read(entry.file), entry)
    }

    internal fun tolerance(variant: String): Map<String, Double> = entry(variant).tolerance

    private fun entry(variant: String): Entry = entries[variant] ?: throw InputException(
        "$BUNDLE_FILE: expected a variant among ${entries.keys}. Received: variant=$variant.",
    )

    private fun checkSum(name: String): String = checkSum(files, sums, name)

    internal class Entry(
        val file: String,
        val contract: String,
        val golden: GoldenLayout,
        val tolerance: Map<String, Double>,
    )

    public companion object {
        /** The only schema that this library reads. */
        public const val SCHEMA: String = "tf_handgroups.bundle/1"
        internal const val BUNDLE_FILE = "bundle.json"
        internal const val CHECKSUM_FILE = "SHA256SUMS"
        private const val OWN = "tolerance"
        private const val FIX = "Copy the whole bundle again."
        private val LINE = Regex("([0-9a-f]{64})  (.+)")

        /**
         * Reads the description of a bundle and compares it with the list of checksums.
         *
         * @param files Where the bundle is.
         * @throws InputException If `bundle.json` or `SHA256SUMS` is missing, damaged, of another
         *   schema, or they contradict each other.
         */
        public fun open(files: BundleFiles): Bundle {
            val sums = checksums(files)
            checkSum(files, sums, BUNDLE_FILE)
            val values = Fields.of(Json.parse(files.read(BUNDLE_FILE), BUNDLE_FILE), BUNDLE_FILE)
            values.only("schema", SCHEMA)
            val listed = values.fields("files")
            for (name in listed.names) {
                val digest = listed.text(name)
                if (digest != sums[name]) {
                    listed.wrong(name, "to be ${sums[name]} as in $CHECKSUM_FILE", digest)
                }
            }
            val common = tolerance(values.fields("golden_tolerance"))
            val variants = values.fields("variants")
            val entries = variants.names.associateWith { name ->
                val fields = variants.fields(name)
                val golden = fields.fields("golden")
                Entry(
                    file = fields.text("file"),
                    contract = fields.text("contract"),
                    golden = GoldenLayout.of(golden),
                    tolerance = if (OWN in golden) tolerance(golden.fields(OWN)) else common,
                )
            }
            val default = values.text("default")
            if (default !in entries) {
                values.wrong("default", "to be among ${entries.keys}", default)
            }
            for (entry in entries.values) {
                checkPlainName(entry.file, BUNDLE_FILE)
                checkPlainName(entry.contract, BUNDLE_FILE)
                checkPlainName(entry.golden.file, BUNDLE_FILE)
            }
            return Bundle(files, sums, default, entries)
        }

        private fun tolerance(fields: Fields): Map<String, Double> =
            fields.names.associateWith { fields.number(it) }

        private fun checksums(files: BundleFiles): Map<String, String> {
            val lines = files.read(CHECKSUM_FILE).toString(Charsets.UTF_8).lines()
            return lines.filter { it.isNotBlank() }.associate { line ->
                val (digest, name) = LINE.matchEntire(line)?.destructured ?: throw InputException(
                    "$CHECKSUM_FILE: expected lines of a SHA-256 and a file name. " +
                        "Received: ${line.take(80)}. $FIX",
                )
                checkPlainName(name, CHECKSUM_FILE)
                name to digest
            }
        }

        private fun checkSum(files: BundleFiles, sums: Map<String, String>, name: String): String {
            val expected = sums[name] ?: throw InputException(
                "$CHECKSUM_FILE: expected a line for $name. Received: files=${sums.keys}. $FIX",
            )
            val received = files.sha256(name)
            if (received != expected) {
                throw InputException(
                    "$name: expected SHA-256 $expected. Received: sha256=$received. $FIX",
                )
            }
            return received
        }
    }
}
