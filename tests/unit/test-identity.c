/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steps in a sandbox with users (machine/sandbox/identity.h): what programs see, and what the list
 * of owners says afterwards.
 */
#undef NDEBUG
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "identity-help.h"

static void test_chown(void **state)
{
	(void)state;
	steps("echo x >/f; chown 100:101 /f; test $(stat -c %u:%g /f) = 100:101\n"
	      "chgrp 50 /f; chown 7 /f; test $(stat -c %u:%g /f) = 7:50\n"
	      "ln -s f /l; chown -h 3:4 /l; chown 5:6 /l\n"
	      "test $(stat -c %u:%g /l) = 3:4; test $(stat -c %u:%g /f) = 5:6\n"
	      "ln /f /hard; mv /f /g; mkdir /d; chown -R 8:9 /d; chmod 4755 /g; chown 1:1 /g\n"
	      "chown -R root:daemon /d\n");
	belongs("g", 1, 1);
	belongs("hard", 1, 1);
	belongs("l", 3, 4);
	belongs("d", 0, 1);
	belongs("etc/passwd", 0, 0);
	has_mode("g", 0755); /* a change of owner clears set-id bits */
}

/* The list is both input and output. */
static void test_list(void **state)
{
	(void)state;
	steps("mkdir /d; chown 100:101 /d; mknod /d/n c 1 3");
	steps("test $(stat -c %u:%g /d) = 100:101; test \"$(stat -c %F /d/n)\" = "
	      "'character special file'; chown 3 /d");
	belongs("d", 3, 101);
}

static void test_devices(void **state)
{
	struct owners *o cleanup_owners = owners_new();
	const struct owner *file;
	struct stat st;

	(void)state;
	steps("mknod -m 660 /b b 259 700; chgrp 6 /b; mknod /c c 1 3; mkfifo -m 600 /p; chown 1 "
	      "/p\n"
	      "test \"$(stat -c %F:%t:%T:%g:%a /b)\" = 'block special file:103:2bc:6:660'\n"
	      "test -b /b; test -c /c; test -p /p; ! setpriv --reuid 1 --regid 1 --clear-groups "
	      "mknod /tmp/x c 1 3 2>/dev/null\n");
	file = record(o, "b", &st);
	assert_int_equal(file->type, S_IFBLK);
	assert_int_equal(file->major, 259);
	assert_int_equal(file->minor, 700);
	assert_true(S_ISREG(st.st_mode));
	belongs("p", 1, 0);
}

/* A process's own files of /proc are its user's, and he may read them. */
static void test_proc(void **state)
{
	(void)state;
	steps("echo 'is() { test \"$(stat ${3:-} -c %u:%g $1)\" = $2; }' >/is; . /is\n"
	      "is /proc/$$/stat 0:0; is /proc/self/fd 0:0\n"
	      "setpriv --reuid daemon --regid 6 --clear-groups sh -euxc '. /is; ls /proc/self/fd\n"
	      "is /proc/self/stat 1:6; is /proc/self 1:6 -L; is /proc/self 0:0; is /proc/1/stat "
	      "0:0\n"
	      "is /proc/version 0:0; is /proc 0:0; is /proc/sys/kernel 0:0; ! ls /proc/1/fd\n"
	      "cd /proc; is $$ 1:6; cd $$; is . 1:6; is fd 1:6' >/out 2>&1 || { cat /out; exit 1; "
	      "}\n");
	python("import os\n"
	       "os.setresuid(7, 8, 9); assert os.stat('/proc/%d' % os.getpid()).st_uid == 8\n"
	       "assert os.fstat(os.open('/proc/self', os.O_RDONLY)).st_uid == 8\n");
}

static void test_other_users(void **state)
{
	(void)state;
	steps("mkdir -p /srv/app; chown app:app /srv/app\n"
	      "setpriv --reuid app --regid app --init-groups sh -euc 'touch /srv/app/a; mkdir "
	      "/srv/app/d; ln -s x /srv/app/l; test \"$(id -u) $(id -G)\" = \"100 101 50\"'\n");
	belongs("srv/app/a", 100, 101);
	belongs("srv/app/d", 100, 101);
	belongs("srv/app/l", 100, 101);
}

static void test_all_ways_to_become_somebody(void **state)
{
	(void)state;
	steps("mkdir /w; chmod 777 /w\n"
	      "runuser -u daemon -- touch /w/runuser\n"
	      "chroot --userspec=daemon:daemon / touch /w/chroot\n"
	      "setpriv --reuid daemon --regid daemon --clear-groups touch /w/setpriv\n"
	      "python3 -c 'import os; os.setgid(1); os.setuid(1); open(\"/w/python\", \"w\")'\n"
	      "perl -e '$) = \"1 1\"; $> = 1; open(F, \">/w/perl\"); $> = 0; $) = 0; open(F, "
	      "\">/w/perl-root\")'\n");
	belongs("w/runuser", 1, 1);
	belongs("w/chroot", 1, 1);
	belongs("w/setpriv", 1, 1);
	belongs("w/python", 1, 1);
	belongs("w/perl", 1, 1);
	belongs("w/perl-root", 0, 0);
}

static void test_ids_follow_the_rules(void **state)
{
	(void)state;
	python("import os\n"
	       "def no(f, *a):\n"
	       "    try: f(*a)\n"
	       "    except PermissionError: return\n"
	       "    raise SystemExit('not refused: %r %r' % (f, a))\n"
	       "os.setgroups([7, 5, 6]); assert os.getgroups() == [5, 6, 7]\n"
	       "os.setresgid(1, 2, 3); os.setresuid(10, 20, 30)\n"
	       "assert os.getresuid() == (10, 20, 30) and os.getresgid() == (1, 2, 3)\n"
	       "no(os.setuid, 0); no(os.setresuid, 0, -1, -1); no(os.setgroups, []); "
	       "no(os.setgid, 9)\n"
	       "os.seteuid(30); assert os.geteuid() == 30\n"
	       "os.setreuid(30, 10); assert os.getresuid() == (30, 10, 10)\n"
	       "no(os.setreuid, 20, -1)\n");
	/* Several processes with the same, empty, groups, which then go different ways. */
	python("import os\n"
	       "os.setgroups([])\n"
	       "for i in 1, 2, 3:\n"
	       "    if os.fork() == 0:\n"
	       "        os.setgroups([i]); os.setgroups([]); os.setuid(i); os._exit(0)\n"
	       "for i in 1, 2, 3: assert os.wait()[1] == 0\n"
	       "assert os.getgroups() == []\n");
	python("import os\n"
	       "os.seteuid(5); assert os.getuid() == 0 and os.geteuid() == 5\n"
	       "open('/tmp/x', 'w'); assert os.stat('/tmp/x').st_uid == 5\n"
	       "os.seteuid(0); os.setuid(5)\n"
	       "try: os.setuid(0)\n"
	       "except PermissionError: pass\n"
	       "else: raise SystemExit('root again')\n");
}

static void test_ordinary_users_are_refused(void **state)
{
	(void)state;
	steps("echo x >/f; chmod 600 /f; mkdir /d; echo y >/g; chown 1:1 /g\n"
	      "as() { setpriv --reuid 1 --regid 1 --groups 50 sh -euc \"$1\" 2>/dev/null; }\n"
	      "! as 'chown 1 /f'; ! as 'chmod 777 /f'; ! as 'echo y >>/f'; ! as 'echo >/d/x'\n"
	      "! as 'mkdir /d/x'; ! as 'test -w /f'; ! as 'test -r /f'; ! as 'chown 2 /g'\n"
	      "as 'chmod 755 /g'; as 'chgrp 50 /g'; as 'test -w /g'; as 'echo >>/g'\n"
	      "test \"$(cat /f)\" = x; test $(stat -c %u:%g:%a /g) = 1:50:755\n");
}

/* What the kernel lets everybody do who is root to it. */
static void test_permissions_on_the_way(void **state)
{
	(void)state;
	steps("mkdir -p /shut/in /open /own /sticky; chown 1:1 /own; chmod 700 /shut; chmod 1777 "
	      "/sticky\n"
	      "echo x >/shut/in/f; echo x >/open/f; chmod 600 /open/f; echo x >/open/g; echo x "
	      ">/sticky/f; echo x >/own/f; sleep 60 & pid=$!\n"
	      "as() { setpriv --reuid 1 --regid 1 --clear-groups sh -euc \"$1\" 2>/dev/null; }\n"
	      "for no in 'cat /shut/in/f' 'cat /open/f' 'test -e /shut/in/f' 'cd /shut' 'ls /shut' "
	      "'rm -f /open/g' 'mv /open/g /own/g' 'ln /open/g /open/h' 'rm -f /sticky/f' 'touch "
	      "/open/g' 'touch -d @0 /open/g' 'rmdir /shut' 'echo >/shut/in/f' 'chroot / true' "
	      "'mount "
	      "-t tmpfs t /own' \"kill $pid\" '/shut/in/f' 'truncate -s 0 /open/g' 'stat "
	      "/shut/in/f' "
	      "'mkdir /open/d' 'ln -s x /open/l'; do\n"
	      "! as \"$no\" || { echo \"not refused: $no\"; exit 1; }; done\n"
	      "for yes in 'cat /open/g' 'rm /own/f' ': >/own/x; mv /own/x /own/y; ln /own/y "
	      "/own/z' 'cd "
	      "/own; echo x >here; cat here; touch -d @0 here' 'ls /open' ': >/sticky/mine; rm "
	      "/sticky/mine' 'echo x | cat /dev/stdin' ': >/dev/null'; do\n"
	      "as \"$yes\" >/dev/null || { echo \"refused: $yes\"; exit 1; }; done; kill $pid\n");
	belongs("own/z", 1, 1);
}

static void test_set_id_programs(void **state)
{
	(void)state;
	steps("cp /usr/bin/id /i; chown 100:101 /i; chmod 6755 /i; mkdir /w; chmod 777 /w\n"
	      "test \"$(/i -u):$(/i -ru):$(/i -g):$(/i -rg)\" = 100:0:101:0\n"
	      "cp /usr/bin/touch /t; chgrp 50 /t; chmod 2755 /t\n"
	      "setpriv --reuid 1 --regid 1 --clear-groups /t /w/a\n");
	belongs("w/a", 1, 50);
}

static void test_set_group_id_directories(void **state)
{
	(void)state;
	steps("mkdir /d; chown 0:50 /d; chmod 2775 /d; echo >/d/f; mkdir /d/sub; ln -s x /d/l\n"
	      "cd /d; echo >g; mkdir -p sub/sub; : >sub/sub/f; cd sub; mkfifo ../p\n"
	      "mkdir /e; chmod 2777 /e; runuser -u daemon -- touch /e/f\n"
	      "ln -s /d/via /via; : >/via\n");
	belongs("d/f", 0, 50);
	belongs("d/sub", 0, 50);
	belongs("d/l", 0, 50);
	belongs("d/g", 0, 50);
	belongs("d/sub/sub/f", 0, 50);
	belongs("d/p", 0, 50);
	belongs("d/via", 0, 50);
	belongs("e/f", 1, 0);
	has_mode("d/sub/sub", 02755);
}

static void test_numbers_used_again(void **state)
{
	(void)state;
	python("import os, tempfile\n"
	       "for i in range(300):\n"
	       "    os.open('/f', os.O_CREAT | os.O_EXCL); os.chown('/f', i + 1, 5); "
	       "os.unlink('/f')\n"
	       "    open('/g', 'w'); assert os.stat('/g').st_uid == 0, i; os.unlink('/g')\n"
	       "    os.mkdir('/d'); assert os.stat('/d').st_gid == 0; os.chown('/d', 3, 3); "
	       "os.rmdir('/d')\n"
	       "    os.symlink('x', '/l'); assert os.lstat('/l').st_uid == 0; os.lchown('/l', 3, "
	       "3)\n"
	       "    os.unlink('/l')\n");
}

static void test_chroot(void **state)
{
	(void)state;
	nested = true;
	steps("mkdir -p /c/w /c/usr; mount --bind /usr /c/usr; cd /c; for l in bin lib lib64; do "
	      "ln -s "
	      "usr/$l $l; done\n"
	      "chroot /c sh -euc 'cd /w; : >f; chown 5:6 f; mkdir d; chown 7 /w/d; test $(stat -c "
	      "%u "
	      "/w/f) = 5; mknod n c 1 5; chmod 2755 d; chgrp 9 d; : >d/f'\n"
	      "test $(stat -c %u:%g /c/w/f) = 5:6; umount /c/usr\n");
	nested = false;
	belongs("c/w/f", 5, 6);
	belongs("c/w/d", 7, 9);
	belongs("c/w/d/f", 0, 9);
}

static void test_forks_and_threads(void **state)
{
	(void)state;
	steps("i=0; while [ $i -lt 60 ]; do (touch /s$i; chown $i:$i /s$i; (sleep 0.01)& ) & "
	      "i=$((i+1)); done; wait; test $(stat -c %u /s59) = 59\n");
	python("import os, threading, subprocess\n"
	       "def work(n):\n"
	       "    for i in range(20):\n"
	       "        f = '/t%d-%d' % (n, i); open(f, 'w'); os.chown(f, n, i)\n"
	       "        assert os.stat(f).st_gid == i\n"
	       "        if i % 5 == 0: subprocess.run(['true'], check=True)\n"
	       "ts = [threading.Thread(target=work, args=(n,)) for n in range(1, 9)]\n"
	       "[t.start() for t in ts]; [t.join() for t in ts]\n");
	belongs("s7", 7, 7);
	belongs("t8-19", 8, 19);
}

static void test_exec_by_a_thread(void **state)
{
	(void)state;
	python("import os, threading\n"
	       "pid = os.fork()\n"
	       "if pid == 0:\n"
	       "    os.setuid(1)\n"
	       "    threading.Thread(target=lambda: os.execv('/bin/sh', ['sh', '-c', 'test $(id "
	       "-u) = "
	       "1'])).start()\n"
	       "    import time; time.sleep(30)\n"
	       "assert os.waitpid(pid, 0)[1] == 0\n");
}

/* Whenever one dies, the rest goes on. */
static void test_killed(void **state)
{
	(void)state;
	python("import os, signal, time, random\n"
	       "random.seed(1)\n"
	       "for i in range(60):\n"
	       "    pid = os.fork()\n"
	       "    if pid == 0:\n"
	       "        while True:\n"
	       "            p = os.fork()\n"
	       "            if p == 0: os.chown('/etc', 1, 1); os.stat('/etc'); open('/k%d' % i, "
	       "'w'); "
	       "os._exit(0)\n"
	       "            os.waitpid(p, 0)\n"
	       "    time.sleep(random.random() / 50); os.kill(pid, signal.SIGKILL); "
	       "os.waitpid(pid, 0)\n");
}

static void test_signals(void **state)
{
	(void)state;
	python("import os, signal, time\n"
	       "n = 0\n"
	       "def on(*a):\n"
	       "    global n\n"
	       "    n += 1\n"
	       "signal.signal(signal.SIGALRM, on); signal.setitimer(signal.ITIMER_REAL, 0.001, "
	       "0.001)\n"
	       "end = time.time() + 1\n"
	       "while time.time() < end: open('/f', 'w'); os.chown('/f', 3, 4); os.stat('/f'); "
	       "os.unlink('/f')\n"
	       "assert n > 20, n\n"
	       "signal.setitimer(signal.ITIMER_REAL, 0)\n"
	       "pid = os.fork()\n"
	       "if pid == 0:\n"
	       "    while True: os.stat('/'); os.chown('/etc', 2, 2)\n"
	       "os.kill(pid, signal.SIGSTOP); assert os.WIFSTOPPED(os.waitpid(pid, "
	       "os.WUNTRACED)[1])\n"
	       "os.kill(pid, signal.SIGCONT); time.sleep(0.05); os.kill(pid, signal.SIGTERM)\n"
	       "assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGTERM\n");
}

/* A pipe that nobody reads yet is opened without holding anybody else up. */
static void test_blocking_open(void **state)
{
	(void)state;
	steps("mkfifo /p; (echo x >/p) & sleep 0.1; touch /a; chown 3 /a; read -r l </p; test $l "
	      "= x; "
	      "wait\n"
	      ": >/exists; chown 4 /exists; : >/exists; test $(stat -c %u /exists) = 4\n");
}

static void test_status(void **state)
{
	char *const argv[] = {"sh", "-c", "sleep 60 & kill -SEGV $$", NULL};
	char *const missing[] = {"no-such-command", NULL};
	struct err *err cleanup_err = NULL;

	(void)state;
	assert_int_equal(run_argv(argv, &err), 1000 + SIGSEGV);
	assert_int_equal(run_argv(missing, &err), -1);
	assert_non_null(strstr(err->text, "cannot run 'no-such-command'"));
}

static void test_refused_calls(void **state)
{
	(void)state;
	steps("! unshare -U true 2>/dev/null");
}

/* The interface of i386: numbers and structures are others. Never without a word. */
static void test_foreign_calls(void **state)
{
#ifdef __x86_64__
	char *const argv[] = {
		"python3", "-c",
		"import ctypes, mmap\n"
		"m = mmap.mmap(-1, 4096, prot=7)\n"
		"m.write(b'\\xb8\\x14\\0\\0\\0\\xcd\\x80\\xc3')\n" /* getpid by int 0x80 */
		"f = ctypes.CFUNCTYPE(ctypes.c_int)\n"
		"f(ctypes.addressof(ctypes.c_char.from_buffer(m)))()\n",
		NULL};
	struct err *err cleanup_err = NULL;

	assert_int_equal(run_argv(argv, &err), -1);
	assert_int_equal(err->code->cls, ERR_ENV);
	assert_non_null(strstr(err->text, "/python3' is number 20 of another architecture"));
#endif
	(void)state;
}

/* A kernel leaves the set-id bits of a file that root writes to, however it does. */
static void test_set_id_outlives_roots_writing(void **state)
{
	static const char *const writes[] = {
		"echo x >>/s; echo x >/g",
		"cp /usr/bin/id /s; sed -i s/x/x/ /s /g",
		"truncate -s 1 /s; perl -e 'truncate(\"/g\", 1)'",
		"dd if=/dev/zero of=/s bs=1 count=1 conv=notrunc\n"
		"ln /g /h; rm /g; mv /h /g; echo >>/g",
		"rm /s /g; exec 3>/s 4>/g; chmod 4755 /s; chmod 2755 /g\n"
		"echo x >&3; cat /etc/group >&4",
		"rm /s; exec 3>/s; chmod 0 /s; perl -e 'open F, \">&3\"; chmod 04755, *F; "
		"syswrite F, 1'",
		"perl -e 'use Fcntl; unlink \"/s\"; umask 0; sysopen F, \"/s\", "
		"O_CREAT | O_RDWR, 04755; syswrite F, 1; truncate F, 9'",
	};

	(void)state;
	for (size_t i = 0; i < array_len(writes); i++) {
		char *script cleanup_free =
			xasprintf("rm -f /s /g; cp /usr/bin/true /s; cp /usr/bin/true /g\n"
				  "chmod 4755 /s; chmod 2755 /g\n%s\n"
				  "test $(stat -c %%a /s) = 4755; test $(stat -c %%a /g) = 2755\n"
				  "find /s /g -perm /6000 | grep -c . | grep -qx 2",
				  writes[i]);

		steps(script);
		has_mode("s", 04755);
		has_mode("g", 02755);
	}
	steps("echo x >>/s; test $(stat -c %a /s) = 4755"); /* the list is input as well */
	has_mode("s", 04755);
}

/* An ordinary user's writing takes them, and so does what takes them from root's. */
static void test_set_id_is_taken(void **state)
{
	(void)state;
	steps("as() { setpriv --reuid 1 --regid 1 --clear-groups sh -euc \"$1\"; }\n"
	      "is() { test $(stat -c %a $1) = $2 || { ls -l $1; exit 1; }; }\n"
	      "for f in a b c d e f; do cp /usr/bin/true /$f; chmod 6777 /$f; is /$f 6777; done\n"
	      "as 'echo x >>/a'; is /a 777; as ': >/b'; is /b 777\n"
	      "as 'truncate -s 1 /c'; is /c 777\n"
	      "as 'cat /d >/dev/null'; is /d 6777; chmod 755 /d; is /d 755\n"
	      "chown 1 /e; is /e 777; chmod 6767 /f; chown 1 /f; is /f 2767\n"
	      "mkdir /w; chmod 777 /w; as 'cd /w; cp /usr/bin/true own; chmod 4755 own'; is /w/own "
	      "4755\n"
	      "as 'cd /w; exec 3>late; chmod 4755 late; echo x >&3'; is /w/late 755\n"
	      "echo x >>/w/own; is /w/own 4755; as 'echo x >>/w/own'; is /w/own 755\n"
	      "rm /d; : >/d; is /d 644; chmod 2644 /d; echo x >>/d; is /d 2644; chmod u+s,g-s /d\n"
	      "is /d 4644; mkdir /w/g; chmod 6755 /w/g; is /w/g 6755; mkfifo /p; chmod 4600 /p\n"
	      "is /p 4600; mknod /n c 1 3; chmod 4600 /n; is /n 4600\n");
	has_mode("a", 0777);
	has_mode("d", 04644);
	has_mode("w/own", 0755);
	has_mode("w/g", 06755);
	has_mode("n", 04600);
}

static void test_links_to_files_of_others(void **state)
{
	(void)state;
	steps("as() { setpriv --reuid 1 --regid 1 --clear-groups sh -euc \"$1\"; }\n"
	      "mkdir /w; chmod 777 /w; cd /w; : >plain; : >all; chmod 666 all\n"
	      "for f in suid sgid; do : >$f; chmod 777 $f; done; chmod u+s suid; chmod g+s sgid\n"
	      "mkfifo -m 666 pipe; mknod -m 666 node c 1 3; ln -s all link\n"
	      ": >own; chown 1 own; : >sgid2; chmod 2766 sgid2\n"
	      "for f in plain suid sgid pipe node link; do\n"
	      "	if as \"cd /w; ln $f new\" 2>/dev/null; then echo linked $f; exit 1; fi\n"
	      "done\n"
	      "for f in all own sgid2; do as \"cd /w; ln $f new.$f\"; done\n"
	      "as 'cd /w; ln -L link new.link'; ln suid new.suid\n");
	has_mode("w/new.suid", 04777);
}

/* As in a container that forbids ptrace: the caller is told, and can take a guest. */
static void test_no_tracing(void **state)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {array_len(code), code};
	char *const argv[] = {"true", NULL};
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct err *err = NULL;

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
			_exit(1);
		if (run_argv(argv, &err) != -1 || err->code->cls != ERR_ENV)
			_exit(2);
		_exit(strstr(err->text, "lets no process be traced") ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_bad_list(void **state)
{
	char *const argv[] = {"true", NULL};
	static const char *const bad[] = {"",
					  "orch-owners 2\n",
					  "orch-owners 1\nowner 1 2 3\n",
					  "orch-owners 1\nowner 1 2 3 4",
					  "orch-owners 1\ndevice 1 2 x 1 1\n",
					  "orch-owners 1\nset-id 1 2 gu\n",
					  "orch-owners 1\nset-id 1 2 -\n",
					  "orch-owners 1\nattribute 1 2 user.a 0\n"};

	(void)state;
	for (size_t i = 0; i < array_len(bad); i++) {
		struct err *err cleanup_err = NULL;

		assert_int_equal(file_write(list, bad[i], strlen(bad[i]), 0600, false, &err), 0);
		assert_int_equal(run_argv(argv, &err), -1);
		assert_non_null(strstr(err->text, "is not a list of owners"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROOT_TEST(test_chown),
		ROOT_TEST(test_list),
		ROOT_TEST(test_devices),
		ROOT_TEST(test_proc),
		ROOT_TEST(test_other_users),
		ROOT_TEST(test_all_ways_to_become_somebody),
		ROOT_TEST(test_ids_follow_the_rules),
		ROOT_TEST(test_ordinary_users_are_refused),
		ROOT_TEST(test_permissions_on_the_way),
		ROOT_TEST(test_set_id_programs),
		ROOT_TEST(test_set_group_id_directories),
		ROOT_TEST(test_numbers_used_again),
		ROOT_TEST(test_chroot),
		ROOT_TEST(test_forks_and_threads),
		ROOT_TEST(test_exec_by_a_thread),
		ROOT_TEST(test_killed),
		ROOT_TEST(test_signals),
		ROOT_TEST(test_blocking_open),
		ROOT_TEST(test_status),
		ROOT_TEST(test_refused_calls),
		ROOT_TEST(test_foreign_calls),
		ROOT_TEST(test_set_id_outlives_roots_writing),
		ROOT_TEST(test_set_id_is_taken),
		ROOT_TEST(test_links_to_files_of_others),
		ROOT_TEST(test_no_tracing),
		ROOT_TEST(test_bad_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
