package dev.handgroups.sample

import android.content.Context
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.view.View
import dev.handgroups.Contract
import dev.handgroups.ViewTransform
import dev.handgroups.android.FrameResult

/** Draws the skeleton over the preview, each joint in the colour of its learned group. */
class OverlayView(context: Context) : View(context) {
    private val line = Paint(Paint.ANTI_ALIAS_FLAG).apply {
        color = Color.WHITE
        strokeWidth = 4f
    }
    private val dot = Paint(Paint.ANTI_ALIAS_FLAG)
    private var contract: Contract? = null
    private var result: FrameResult? = null
    private var mirrored = false

    /**
     * Shows a result from now on. To be called on the main thread.
     *
     * @param mirrored Whether the preview below is flipped left to right.
     */
    fun show(contract: Contract, result: FrameResult, mirrored: Boolean) {
        this.contract = contract
        this.result = result
        this.mirrored = mirrored
        invalidate()
    }

    override fun onDraw(canvas: Canvas) {
        super.onDraw(canvas)
        val contract = contract ?: return
        val result = result ?: return
        val hand = result.hand ?: return
        if (width == 0 || height == 0) return
        val toView = ViewTransform(result.width, result.height, width, height, mirrored)
        val points = hand.uvPx.map(toView::map)
        for ((parent, child) in contract.skeleton.bones) {
            canvas.drawLine(
                points[parent].u.toFloat(), points[parent].v.toFloat(),
                points[child].u.toFloat(), points[child].v.toFloat(),
                line,
            )
        }
        for ((joint, point) in points.withIndex()) {
            dot.color = COLOURS[contract.grouping[joint] % COLOURS.size]
            canvas.drawCircle(point.u.toFloat(), point.v.toFloat(), RADIUS_PX, dot)
        }
    }

    private companion object {
        const val RADIUS_PX = 10f

        // Okabe and Ito's palette, which colour-blind people can tell apart.
        val COLOURS = intArrayOf(
            Color.rgb(230, 159, 0), Color.rgb(86, 180, 233), Color.rgb(0, 158, 115),
            Color.rgb(204, 121, 167), Color.rgb(213, 94, 0), Color.rgb(240, 228, 66),
        )
    }
}
