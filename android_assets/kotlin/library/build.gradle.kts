plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "dev.handgroups"
    compileSdk = 36

    defaultConfig {
        minSdk = 23 // the least that LiteRT 2 supports
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

kotlin {
    jvmToolchain(17)
    explicitApi()
}

dependencies {
    // In the signatures of dev.handgroups.android.
    api("com.google.ai.edge.litert:litert:2.3.0")
    api("androidx.camera:camera-core:1.6.2")
}
