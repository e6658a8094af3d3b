package androidx.camera.view;

import android.content.Context;
import android.widget.FrameLayout;
import androidx.camera.core.Preview;

public final class PreviewView extends FrameLayout {
    public PreviewView(Context context) { super(context); }
    public Preview.SurfaceProvider getSurfaceProvider() { throw new UnsupportedOperationException(); }
    public ScaleType getScaleType() { return ScaleType.FILL_CENTER; }
    public void setScaleType(ScaleType scaleType) {}

    public enum ScaleType { FILL_START, FILL_CENTER, FILL_END, FIT_START, FIT_CENTER, FIT_END }
}
