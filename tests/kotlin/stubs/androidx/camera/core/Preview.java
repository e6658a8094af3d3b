package androidx.camera.core;

import androidx.camera.core.resolutionselector.ResolutionSelector;

public final class Preview extends UseCase {
    public SurfaceProvider getSurfaceProvider() { return null; }
    public void setSurfaceProvider(SurfaceProvider surfaceProvider) {}

    public interface SurfaceProvider {}

    public static final class Builder {
        public Builder setResolutionSelector(ResolutionSelector resolutionSelector) { return this; }
        public Preview build() { throw new UnsupportedOperationException(); }
    }
}
