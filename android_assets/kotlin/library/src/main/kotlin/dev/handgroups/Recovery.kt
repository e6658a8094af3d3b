package dev.handgroups

import kotlin.math.max
import kotlin.math.sqrt

/**
 * A pinhole camera, in pixels of the picture that the joints are in.
 *
 * @property fx Focal length along u, greater than 0.
 * @property fy Focal length along v, greater than 0.
 * @property cx Principal point, u.
 * @property cy Principal point, v.
 * @property skew Usually 0.
 */
public data class Intrinsics(
    public val fx: Double,
    public val fy: Double,
    public val cx: Double,
    public val cy: Double,
    public val skew: Double = 0.0,
)

/**
 * From pixels and relative depth (2.5D) to 3D, in closed form.
 *
 * One number is missing: how far away the hand is, or how many pixels a bone covers. It is chosen
 * so that the bones are as long as those of an average hand, whose proportions are in [rule].
 * The results are finite for finite input, however noisy.
 *
 * @param skeleton Of the contract.
 * @param rule Of the contract.
 */
public class Recovery(private val skeleton: Skeleton, private val rule: RecoveryRule) {
    private val bones = skeleton.bones
    private val wholeHand = weighted { rule.boneRatios[it] * rule.boneRatios[it] }

    /**
     * Returns the joints relative to the root, without knowing the camera.
     *
     * Assumes that the hand is small against its distance.
     *
     * @param uvPx One point per joint, in pixels.
     * @param zRel One depth per joint, in reference-bone lengths.
     * @return Camera axes, reference-bone lengths, the root joint at the origin.
     * @throws InputException If a number is not finite or their count is another one.
     */
    public fun weakPerspective(uvPx: List<Uv>, zRel: List<Double>): List<Xyz> {
        check("weakPerspective", uvPx, zRel)
        val squaredPx = weighted { bone ->
            val (parent, child) = bones[bone]
            squared(uvPx[child].u - uvPx[parent].u) + squared(uvPx[child].v - uvPx[parent].v)
        }
        val inPlane = max(weighted { inPlane(it, zRel) }, rule.minImageShare * wholeHand)
        val pxPerBone = sqrt(max(squaredPx / inPlane, java.lang.Double.MIN_NORMAL))
        val root = uvPx[skeleton.root]
        return uvPx.indices.map { joint ->
            Xyz(
                (uvPx[joint].u - root.u) / pxPerBone,
                (uvPx[joint].v - root.v) / pxPerBone,
                zRel[joint] - zRel[skeleton.root],
            )
        }
    }

    /**
     * Returns the joints in the camera's frame, up to the size of the hand.
     *
     * @param uvPx One point per joint, in pixels.
     * @param zRel One depth per joint, in reference-bone lengths.
     * @param camera The camera that took the picture.
     * @return Camera axes, lengths of the hand's own reference bone, the camera at the origin.
     * @throws InputException As [weakPerspective], and if a focal length is not positive.
     */
    public fun upToScale(uvPx: List<Uv>, zRel: List<Double>, camera: Intrinsics): List<Xyz> {
        check("upToScale", uvPx, zRel)
        check(camera)
        val rays = uvPx.map { point ->
            val y = (point.v - camera.cy) / camera.fy
            Uv((point.u - camera.cx - camera.skew * y) / camera.fx, y)
        }
        val root = rootDepth(rays, zRel)
        return rays.indices.map { joint ->
            val depth = root + zRel[joint]
            Xyz(rays[joint].u * depth, rays[joint].v * depth, depth)
        }
    }

    /**
     * Returns the joints in the camera's frame in millimetres.
     *
     * @param uvPx One point per joint, in pixels.
     * @param zRel One depth per joint, in reference-bone lengths.
     * @param camera The camera that took the picture.
     * @param boneMm Length of this hand's reference bone (middle MCP to middle PIP) in
     *   millimetres, about 45 in adults.
     * @return Camera axes, millimetres, the camera at the origin.
     * @throws InputException As [upToScale], and if the length is not positive.
     */
    public fun absoluteMm(
        uvPx: List<Uv>,
        zRel: List<Double>,
        camera: Intrinsics,
        boneMm: Double,
    ): List<Xyz> {
        if (!(boneMm > 0 && boneMm.isFinite())) {
            throw InputException(
                "Recovery.absoluteMm: expected a positive length in mm. Received: boneMm=$boneMm.",
            )
        }
        val bones = upToScale(uvPx, zRel, camera)
        return bones.map { Xyz(it.x * boneMm, it.y * boneMm, it.z * boneMm) }
    }

    /** The larger root of a Z^2 + 2 b Z + c = 0: the bones are then as long as they should be. */
    private fun rootDepth(rays: List<Uv>, zRel: List<Double>): Double {
        var a = 0.0
        var b = 0.0
        var c = 0.0
        for ((bone, ends) in bones.withIndex()) {
            val (parent, child) = ends
            val slopeX = rays[child].u - rays[parent].u
            val slopeY = rays[child].v - rays[parent].v
            val offsetX = rays[child].u * zRel[child] - rays[parent].u * zRel[parent]
            val offsetY = rays[child].v * zRel[child] - rays[parent].v * zRel[parent]
            val weight = rule.boneWeights[bone]
            a += weight * (slopeX * slopeX + slopeY * slopeY)
            b += weight * (slopeX * offsetX + slopeY * offsetY)
            c += weight * (offsetX * offsetX + offsetY * offsetY - inPlane(bone, zRel))
        }
        val root = sqrt(max(b * b - a * c, 0.0)) - b
        val depth = if (root < rule.maxRootDepth * a) root / a else rule.maxRootDepth
        // No joint comes nearer to the camera than one bone.
        return max(depth, 1.0 - zRel.min())
    }

    /** Squared length of a bone that is left after its extent in depth, at least 0. */
    private fun inPlane(bone: Int, zRel: List<Double>): Double {
        val (parent, child) = bones[bone]
        return max(squared(rule.boneRatios[bone]) - squared(zRel[child] - zRel[parent]), 0.0)
    }

    private inline fun weighted(value: (Int) -> Double): Double =
        rule.boneWeights.indices.sumOf { rule.boneWeights[it] * value(it) }

    private fun squared(value: Double): Double = value * value

    private fun check(where: String, uvPx: List<Uv>, zRel: List<Double>) {
        val count = skeleton.names.size
        val bad = (zRel + uvPx.map { it.u } + uvPx.map { it.v }).count { !it.isFinite() }
        if (uvPx.size != count || zRel.size != count || bad > 0) {
            throw InputException(
                "Recovery.$where: expected $count points and depths, all finite. " +
                    "Received: points=${uvPx.size}, depths=${zRel.size}, " +
                    "not finite=$bad.",
            )
        }
    }

    private fun check(camera: Intrinsics) {
        val numbers = listOf(camera.fx, camera.fy, camera.cx, camera.cy, camera.skew)
        if (!numbers.all { it.isFinite() } || camera.fx <= 0 || camera.fy <= 0) {
            throw InputException(
                "Recovery: expected a camera with focal lengths > 0 in pixels. Received: $camera.",
            )
        }
    }
}
