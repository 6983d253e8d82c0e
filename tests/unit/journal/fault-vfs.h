/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A file system for SQLite that does as it is told: what SQLite asks for goes to the default one, or fails. */

typedef enum {
  FAULT_OPEN = 1 << 0,     /* SQLITE_CANTOPEN */
  FAULT_READ = 1 << 1,     /* SQLITE_IOERR_READ */
  FAULT_WRITE = 1 << 2,    /* SQLITE_IOERR_WRITE, half of it written */
  FAULT_FULL = 1 << 3,     /* SQLITE_FULL on a write, half of it written */
  FAULT_SYNC = 1 << 4,     /* SQLITE_IOERR_FSYNC, all of it written */
  FAULT_TRUNCATE = 1 << 5, /* SQLITE_IOERR_TRUNCATE */
  FAULT_PLACE =
    1
    << 6, /* SQLITE_IOERR_WRITE on a write to the database itself, and not to what lies beside it */
} FaultKind;

/**
 * fault_vfs_install:
 *
 * Makes it what SQLite uses from now on. Nothing fails yet.
 */
void fault_vfs_install (void);

/**
 * fault_vfs_set:
 * @kinds: which calls fail: a set of #FaultKind
 * @after: how many of those succeed first
 * @times: how many fail then; -1 for all
 */
void fault_vfs_set (guint kinds, int after, int times);

/**
 * fault_vfs_set_then:
 * @kinds: which calls fail, all of them, once those of fault_vfs_set() have
 */
void fault_vfs_set_then (guint kinds);

/**
 * fault_vfs_count:
 *
 * Returns: how many have failed since fault_vfs_set()
 */
int fault_vfs_count (void);

/**
 * fault_vfs_remember_synced:
 * @remember: whether to, from now on
 *
 * What each file held when it was last synced is kept beside it, in a file with the suffix ".synced": all
 * that a loss of power is sure to leave.
 */
void fault_vfs_remember_synced (gboolean remember);

G_END_DECLS
