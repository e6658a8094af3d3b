plugins {
    id("com.android.application")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "dev.handgroups.sample"
    compileSdk = 36

    defaultConfig {
        applicationId = "dev.handgroups.sample"
        minSdk = 23
        targetSdk = 36
        versionCode = 1
        versionName = "1.0"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    androidResources {
        // LiteRT maps the model into memory where it lies.
        noCompress += "tflite"
    }
}

kotlin {
    jvmToolchain(17)
}

dependencies {
    implementation(project(":library"))
    implementation("androidx.activity:activity:1.13.0")
    implementation("androidx.camera:camera-camera2:1.6.2")
    implementation("androidx.camera:camera-lifecycle:1.6.2")
    implementation("androidx.camera:camera-view:1.6.2")
}

// The bundle two folders up becomes the app's assets/handgroups.
val copyBundle by tasks.registering(Sync::class) {
    from(rootProject.file("..")) {
        include("bundle.json", "SHA256SUMS", "LICENSE", "*.tflite", "*.contract.json", "*.golden.bin")
    }
    into(layout.buildDirectory.dir("bundle/handgroups"))
}

android.sourceSets["main"].assets.srcDir(layout.buildDirectory.dir("bundle"))
tasks.named("preBuild") { dependsOn(copyBundle) }
