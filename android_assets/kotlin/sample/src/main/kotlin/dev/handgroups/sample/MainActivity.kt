package dev.handgroups.sample

import android.Manifest
import android.content.pm.PackageManager
import android.os.Bundle
import android.widget.FrameLayout
import android.widget.Toast
import androidx.activity.ComponentActivity
import androidx.activity.result.contract.ActivityResultContracts
import androidx.camera.core.CameraSelector
import androidx.camera.core.ImageAnalysis
import androidx.camera.core.Preview
import androidx.camera.core.resolutionselector.AspectRatioStrategy
import androidx.camera.core.resolutionselector.ResolutionSelector
import androidx.camera.lifecycle.ProcessCameraProvider
import androidx.camera.view.PreviewView
import androidx.core.content.ContextCompat
import dev.handgroups.android.HandAnalyzer
import dev.handgroups.android.HandGroups
import java.util.concurrent.Executors

/** Shows the camera with the skeleton of one hand; a tap changes the camera. */
class MainActivity : ComponentActivity() {
    // Opens the model and looks at frames, never on the main thread.
    private val worker = Executors.newSingleThreadExecutor()
    private lateinit var preview: PreviewView
    private lateinit var overlay: OverlayView
    private var hands: HandGroups? = null // used by the worker only
    private var analyzer: HandAnalyzer? = null
    private var front = false

    private val askForCamera = registerForActivityResult(
        ActivityResultContracts.RequestPermission(),
    ) { granted ->
        if (granted) openModel() else toast(getString(R.string.no_permission))
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        preview = PreviewView(this).apply { scaleType = PreviewView.ScaleType.FIT_CENTER }
        overlay = OverlayView(this)
        val views = FrameLayout(this)
        views.addView(preview)
        views.addView(overlay)
        views.setOnClickListener {
            front = !front
            if (analyzer != null) openModel()
        }
        setContentView(views)
        val permission = ContextCompat.checkSelfPermission(this, Manifest.permission.CAMERA)
        if (permission == PackageManager.PERMISSION_GRANTED) {
            openModel()
        } else {
            askForCamera.launch(Manifest.permission.CAMERA)
        }
    }

    private fun openModel() {
        worker.execute {
            try {
                val opened = hands ?: HandGroups.fromAssets(this).also { hands = it }
                runOnUiThread { openCamera(opened) }
            } catch (error: Exception) {
                runOnUiThread { toast(error.message ?: error.toString()) }
            }
        }
    }

    private fun openCamera(hands: HandGroups) {
        val waiting = ProcessCameraProvider.getInstance(this)
        waiting.addListener(
            { if (!isDestroyed) bind(waiting.get(), hands) },
            ContextCompat.getMainExecutor(this),
        )
    }

    private fun bind(camera: ProcessCameraProvider, hands: HandGroups) {
        // CameraX flips the preview of front cameras, but not the frames to analyse.
        val mirrored = front
        analyzer?.close()
        val next = HandAnalyzer(hands.newTracker()) { result ->
            runOnUiThread { overlay.show(hands.contract, result, mirrored) }
        }
        analyzer = next
        // The same shape for both, so that the overlay fits.
        val shape = ResolutionSelector.Builder()
            .setAspectRatioStrategy(AspectRatioStrategy.RATIO_4_3_FALLBACK_AUTO_STRATEGY)
            .build()
        val shown = Preview.Builder().setResolutionSelector(shape).build()
        shown.surfaceProvider = preview.surfaceProvider
        val analysed = ImageAnalysis.Builder()
            .setResolutionSelector(shape)
            .setOutputImageFormat(ImageAnalysis.OUTPUT_IMAGE_FORMAT_RGBA_8888)
            .setBackpressureStrategy(ImageAnalysis.STRATEGY_KEEP_ONLY_LATEST)
            .build()
        analysed.setAnalyzer(worker, next)
        val lens = if (front) {
            CameraSelector.DEFAULT_FRONT_CAMERA
        } else {
            CameraSelector.DEFAULT_BACK_CAMERA
        }
        camera.unbindAll()
        try {
            camera.bindToLifecycle(this, lens, shown, analysed)
        } catch (error: IllegalArgumentException) {
            toast(error.message ?: "no such camera")
        }
    }

    override fun onDestroy() {
        super.onDestroy()
        analyzer?.close()
        // After the last frame.
        worker.execute { hands?.close() }
        worker.shutdown()
    }

    private fun toast(text: String) = Toast.makeText(this, text, Toast.LENGTH_LONG).show()
}
