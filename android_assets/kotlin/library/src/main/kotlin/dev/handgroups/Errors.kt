package dev.handgroups

/**
 * A file, picture or argument that cannot be used.
 *
 * The message says where, what was expected, what was received and how to fix it.
 */
public class InputException(message: String, cause: Throwable? = null) :
    IllegalArgumentException(message, cause)

/** The model does not compute on this device what it computed where the bundle was made. */
public class GateException(message: String) : IllegalStateException(message)
