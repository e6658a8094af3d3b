package dev.handgroups.sample;

public final class R {
    public static final class string {
        public static final int app_name = 1;
        public static final int no_permission = 2;
    }
}
