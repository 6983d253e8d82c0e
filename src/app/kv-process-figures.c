/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#include "app/kv-process-figures.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What proc_pid_stat(5) calls them. */
typedef struct {
  guint64 starttime; /* in clock ticks since the machine was started */
  guint64 vsize;     /* in bytes */
  guint64 rss;       /* in pages */
} Stat;

/* Their numbers there, from 1 on. */
#define FIELD_STATE 3
#define FIELD_STARTTIME 22
#define FIELD_VSIZE 23
#define FIELD_RSS 24

static gboolean
read_field (char **fields, guint number, guint64 *value)
{
  return g_ascii_string_to_unsigned (fields[number - FIELD_STATE], 10, 0, G_MAXUINT64, value, NULL);
}

static gboolean
read_stat (Stat *stat)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) fields = NULL;
  const char *name_end;

  if (!g_file_get_contents ("/proc/self/stat", &text, NULL, NULL))
    return FALSE;
  /* The name may hold anything, but nothing behind it holds a bracket. */
  name_end = strrchr (text, ')');
  if (name_end == NULL || name_end[1] != ' ')
    return FALSE;
  fields = g_strsplit (name_end + 2, " ", -1);
  return g_strv_length (fields) > FIELD_RSS - FIELD_STATE
         && read_field (fields, FIELD_STARTTIME, &stat->starttime)
         && read_field (fields, FIELD_VSIZE, &stat->vsize)
         && read_field (fields, FIELD_RSS, &stat->rss);
}

static gint64
read_clock (clockid_t clock)
{
  struct timespec now = { 0 };

  clock_gettime (clock, &now);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

/* In microseconds since 1970. What is told must not change while the process runs, so it is asked for once. */
static guint64
get_start_time (const Stat *stat)
{
  static gsize start = 0;

  if (g_once_init_enter (&start))
    {
      gint64 since_boot =
        (gint64) (stat->starttime * (guint64) G_USEC_PER_SEC / (guint64) sysconf (_SC_CLK_TCK));

      g_once_init_leave (
        &start, (gsize) (read_clock (CLOCK_REALTIME) - read_clock (CLOCK_BOOTTIME) + since_boot));
    }
  return start;
}

/* Since Linux 6.2 the kernel tells how many there are as the size of the directory; before, they have to be counted. */
static guint64
count_files (void)
{
  g_autoptr (GDir) directory = NULL;
  struct stat info;
  guint64 n = 0;

  if (stat ("/proc/self/fd", &info) == 0 && info.st_size > 0)
    return (guint64) info.st_size;
  directory = g_dir_open ("/proc/self/fd", 0, NULL);
  while (directory != NULL && g_dir_read_name (directory) != NULL)
    n++;
  return n > 0 ? n - 1 : 0;
}

static void
write_gauge (KvMetricsWriter *writer,
             const char *name,
             const char *unit,
             const char *help,
             guint64 value)
{
  kv_metrics_writer_begin (writer, name, KV_METRIC_GAUGE, unit, help);
  kv_metrics_writer_add (writer, value, NULL);
}

static void
write_stat (KvMetricsWriter *writer, const Stat *stat)
{
  kv_metrics_writer_begin (writer, "process_start_time_seconds", KV_METRIC_GAUGE, "seconds",
                           "When the process started, in seconds since 1970.");
  kv_metrics_writer_add_time (writer, get_start_time (stat), NULL);
  write_gauge (writer, "process_resident_memory_bytes", "bytes", "Memory that is resident.",
               stat->rss * (guint64) sysconf (_SC_PAGESIZE));
  write_gauge (writer, "process_virtual_memory_bytes", "bytes", "Addresses that are in use.",
               stat->vsize);
}

void
kv_process_figures_write (KvMetricsWriter *writer, gpointer unused)
{
  struct rlimit limit;
  Stat stat;

  kv_metrics_writer_begin (writer, "process_cpu_seconds", KV_METRIC_COUNTER, "seconds",
                           "Time on a processor, of the program and of the kernel for it.");
  kv_metrics_writer_add_time (writer, (guint64) read_clock (CLOCK_PROCESS_CPUTIME_ID), NULL);
  if (read_stat (&stat))
    write_stat (writer, &stat);
  write_gauge (writer, "process_open_fds", NULL, "Files that are open.", count_files ());
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0)
    write_gauge (writer, "process_max_fds", NULL, "Files that may be open.",
                 (guint64) limit.rlim_cur);
}
