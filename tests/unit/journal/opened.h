/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "journal/kv-journal.h"

G_BEGIN_DECLS

/* A store with a journal, opened and closed without a main loop of the test's own. */
typedef struct {
  char *directory; /* (owned) */
  char *path;      /* (owned) of the database in it */
  KvStore *store;
  KvJournal *journal;
} Opened;

/* Makes the directory. */
void opened_set_up (Opened *opened);

/* Closes what is open, and removes the directory and what is in it. */
void opened_tear_down (Opened *opened);

gboolean opened_try (Opened *opened, KvDurability durability, GError **error);
void opened_open (Opened *opened, KvDurability durability);

/* Returns whether closing went well. */
gboolean opened_close (Opened *opened);

/* Runs SQL on the database while it is closed. */
void opened_run_sql (Opened *opened, const char *sql);

/* What the file holds, as "key=value" in the order of the keys, joined by blanks; also in the midst of a run, from a copy of
 * the file and its log such as a crash would leave. */
char *opened_read_copy (Opened *opened);

/* The same from what was kept of the files when they were last synced. */
char *opened_read_synced (Opened *opened);

/* What the store shows of the keys k0, k1, ... in the same form. */
char *opened_describe (Opened *opened, guint keys);

G_END_DECLS
