package dev.handgroups.android

import android.content.res.AssetManager
import dev.handgroups.BundleFiles

/**
 * Files of a bundle in the assets of an app.
 *
 * @param assets For example `context.assets`.
 * @param folder Folder below `src/main/assets`, without a slash at its end.
 */
public fun BundleFiles.Companion.assets(assets: AssetManager, folder: String): BundleFiles =
    BundleFiles { name -> assets.open("$folder/$name") }
