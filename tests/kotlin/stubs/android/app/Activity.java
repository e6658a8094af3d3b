package android.app;

import android.content.Context;
import android.content.res.AssetManager;
import android.os.Bundle;
import android.view.View;
import java.io.File;

public class Activity extends Context {
    protected void onCreate(Bundle savedInstanceState) {}
    protected void onDestroy() {}
    public void setContentView(View view) {}
    public final void runOnUiThread(Runnable action) {}
    public boolean isDestroyed() { return false; }
    public AssetManager getAssets() { throw new UnsupportedOperationException(); }
    public File getFilesDir() { throw new UnsupportedOperationException(); }
}
