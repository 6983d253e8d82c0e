/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * kv_sqlite_lock_take:
 * @path: of the database
 * @error: set to %KV_ERROR_UNAVAILABLE, naming the process that has the lock where that is known
 *
 * Makes this process the only one to use the database, by a lock (F_OFD_SETLK, fcntl(2)) on a file beside it, in which the
 * process writes its id. The kernel lets go of it however the process ends, so that the file may stay.
 *
 * Returns: a descriptor that holds the lock until it is closed, or -1
 */
int kv_sqlite_lock_take (const char *path, GError **error);

/**
 * kv_sqlite_lock_find_holder:
 * @path: of a database
 *
 * Looks up who has a lock on the file itself, as each program has that uses it with SQLite.
 *
 * Returns: the id of another process, or 0 where the kernel names none
 */
int kv_sqlite_lock_find_holder (const char *path);

G_END_DECLS
