/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * KvSqliteBoots:
 *
 * The starts of the machine that deadlines in the file refer to. A deadline is a time of CLOCK_BOOTTIME, which
 * begins anew with each start; within one it is exact, whatever happens to the wall clock. Over a start the wall clock has to
 * tell how much time has passed.
 */
typedef struct _KvSqliteBoots KvSqliteBoots;

KvSqliteBoots *kv_sqlite_boots_new (void);
void kv_sqlite_boots_free (KvSqliteBoots *boots);

/**
 * kv_sqlite_boots_get_id:
 *
 * Returns: (transfer none): the id of the boot in which we run (`/proc/sys/kernel/random/boot_id`); a new one each time
 *   where there is none
 */
const char *kv_sqlite_boots_get_id (KvSqliteBoots *boots);

/**
 * kv_sqlite_boots_add:
 * @number: by which the file names it
 * @id: of the boot
 * @boottime: what CLOCK_BOOTTIME said when it was last looked at in that boot, in microseconds
 * @wall: what the wall clock said at that moment
 */
void kv_sqlite_boots_add (KvSqliteBoots *boots,
                          gint64 number,
                          const char *id,
                          gint64 boottime,
                          gint64 wall);

/**
 * kv_sqlite_boots_convert:
 * @number: in which boot
 * @deadline: in microseconds of CLOCK_BOOTTIME then
 * @converted: (out): in kv_clock_now() microseconds; within the same boot that is @deadline itself. Else the time that has passed
 *   by the wall clock since then is taken off, but never less than none: a clock that was set back makes nobody
 *   live longer than what was left
 *
 * Returns: %FALSE when there is no such boot
 */
gboolean
kv_sqlite_boots_convert (KvSqliteBoots *boots, gint64 number, gint64 deadline, gint64 *converted);

/**
 * kv_sqlite_boots_list_unused:
 *
 * Returns: (transfer full) (element-type gint64): those of other boots that no conversion has asked for
 */
GArray *kv_sqlite_boots_list_unused (KvSqliteBoots *boots);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (KvSqliteBoots, kv_sqlite_boots_free)

G_END_DECLS
