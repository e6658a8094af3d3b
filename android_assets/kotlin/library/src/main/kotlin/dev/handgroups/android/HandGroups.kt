package dev.handgroups.android

import android.content.Context
import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import dev.handgroups.BoxFinder
import dev.handgroups.Bundle
import dev.handgroups.BundleFiles
import dev.handgroups.Contract
import dev.handgroups.GoldenCheck
import dev.handgroups.HandEstimator
import dev.handgroups.HandSide
import dev.handgroups.HandTracker
import java.io.File

/**
 * A model of a bundle, ready to find hands. Close it when it is no longer needed.
 *
 * @property bundle Where the model comes from.
 * @property variant The bundle's variant that is running.
 * @property contract Of this model: joints, groups, units.
 */
public class HandGroups private constructor(
    public val bundle: Bundle,
    public val variant: String,
    public val contract: Contract,
    private val runner: LiteRtRunner,
) : AutoCloseable {
    /** Finds joints in single pictures. */
    public val estimator: HandEstimator = HandEstimator(contract, runner)

    /**
     * Returns a new follower of one hand through the frames of one camera or video.
     *
     * @param finder Where hands may be while none is followed; the full frame by default.
     * @param side Which hand it is, if it is known.
     * @throws dev.handgroups.InputException If the contract does not say how to follow a hand.
     */
    public fun newTracker(
        finder: BoxFinder = BoxFinder.fullFrame(contract.crop),
        side: HandSide? = null,
    ): HandTracker = HandTracker(estimator, finder, side)

    /**
     * Runs the bundle's golden crops on this device, see [GoldenCheck].
     *
     * @return The largest difference by output.
     * @throws dev.handgroups.GateException If this device computes something else.
     */
    public fun checkGolden(): Map<String, Double> = GoldenCheck.run(bundle, variant, runner)

    /** Frees the memory of LiteRT; waits for a run that is going on. */
    override fun close(): Unit = runner.close()

    public companion object {
        /**
         * Opens a bundle in the assets of an app. Reads and hashes the model: not for the main
         * thread.
         *
         * @param context Any context of the app.
         * @param folder Folder below `src/main/assets`.
         * @param variant A variant of the bundle; its default one if omitted.
         * @param accelerator Where LiteRT runs it.
         * @param threads Threads of the CPU kernels; LiteRT decides if omitted.
         * @throws dev.handgroups.InputException If a file is missing, changed, or of a schema
         *   that this library does not know.
         * @throws com.google.ai.edge.litert.LiteRtException If LiteRT cannot open the model.
         */
        public fun fromAssets(
            context: Context,
            folder: String = "handgroups",
            variant: String? = null,
            accelerator: Accelerator = Accelerator.CPU,
            threads: Int? = null,
        ): HandGroups = open(BundleFiles.assets(context.assets, folder), variant) { file ->
            val options = LiteRtRunner.options(accelerator, threads)
            CompiledModel.create(context.assets, "$folder/$file", options)
        }

        /**
         * Opens a bundle in a folder that only this app can write to, for example one that it
         * downloaded into `context.filesDir`. Otherwise as [fromAssets].
         *
         * @param folder The folder.
         * @param variant As in [fromAssets].
         * @param accelerator As in [fromAssets].
         * @param threads As in [fromAssets].
         * @throws dev.handgroups.InputException As [fromAssets].
         * @throws com.google.ai.edge.litert.LiteRtException As [fromAssets].
         */
        public fun fromFolder(
            folder: File,
            variant: String? = null,
            accelerator: Accelerator = Accelerator.CPU,
            threads: Int? = null,
        ): HandGroups = open(BundleFiles.folder(folder), variant) { file ->
            val options = LiteRtRunner.options(accelerator, threads)
            CompiledModel.create(File(folder, file).path, options)
        }

        private fun open(
            files: BundleFiles,
            variant: String?,
            create: (String) -> CompiledModel,
        ): HandGroups {
            val bundle = Bundle.open(files)
            val name = variant ?: bundle.defaultVariant
            val contract = bundle.contract(name)
            val runner = LiteRtRunner(contract, create(contract.model.file))
            return HandGroups(bundle, name, contract, runner)
        }
    }
}
