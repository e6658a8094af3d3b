package androidx.camera.core.resolutionselector;

public final class ResolutionSelector {
    public static final class Builder {
        public Builder setAspectRatioStrategy(AspectRatioStrategy aspectRatioStrategy) { return this; }
        public ResolutionSelector build() { throw new UnsupportedOperationException(); }
    }
}
