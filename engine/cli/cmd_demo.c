/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * orch demo: an update on an emulated PC, with the power cut in the middle and a fallback, played
 * by itself or by keys.
 */
#include <errno.h>
#include <poll.h>
#include <termios.h>

#include "base/path.h"
#include "cli/demo.h"
#include "cli/paint.h"
#include "cli/terminal.h"
#include "machine/terminal.h"
#include "scenario/console.h"

#define AGENT_S 900 /* until the guest takes commands */
#define INSTALL_S 3600
#define CHOICE_S 1200
#define LOOK_MS 100 /* until a key that was pressed is seen */
#define WHOLE_MS 100
#define CTRL_C 3
#define CTRL_Z 26

/* -- by itself -- */

enum act {
	ACT_TELL,
	ACT_POWER_ON,
	ACT_BEGIN, /* ARG is installed in the background */
	ACT_CUT,   /* the power, at a line like ARG */
	ACT_INSTALL,
	ACT_REBOOT, /* and slot ARG is chosen */
	ACT_SLOT,   /* slot ARG is chosen */
	ACT_SEE,    /* a line of the console like ARG */
	ACT_SHOW,
};

struct scene_step {
	enum act act;
	const char *arg;
};

/* Without the colours, which it has even in a file. */
#define STATUS                          \
	"rauc status >/run/orch-demo\n" \
	"sed 's/\\x1b\\[[0-9;]*m//g' /run/orch-demo\n"

static const struct scene_step script[] = {
	{ACT_TELL, "the PC is switched on with a new disk: version 1 is in both slots"},
	{ACT_POWER_ON, NULL},
	{ACT_SLOT, "A"},
	{ACT_SEE, "demo-app 1\\.0\\.0: slot A: up"},
	{ACT_SEE, "marked slot rootfs\\.0 as good"},
	{ACT_TELL, "slot A runs version 1 and is marked good; version 2 is installed into slot B"},
	{ACT_BEGIN, DEMO_GOOD_FILE},
	{ACT_CUT, "[678][0-9]% Copying image to rootfs\\.1"},
	{ACT_TELL, "the power failed in the middle of the installation, and comes back"},
	{ACT_POWER_ON, NULL},
	{ACT_SLOT, "A"},
	{ACT_SEE, "demo-app 1\\.0\\.0: slot A: up"},
	{ACT_SEE, "marked slot rootfs\\.0 as good"},
	{ACT_TELL, "slot A is up as before; version 2 is installed again, to the end"},
	{ACT_INSTALL, DEMO_GOOD_FILE},
	{ACT_TELL, "it is installed; the reboot must choose slot B"},
	{ACT_REBOOT, "B"},
	{ACT_SEE, "demo-app 2\\.0\\.0: slot B: up"},
	{ACT_SEE, "marked slot rootfs\\.1 as good"},
	{ACT_TELL, "slot B runs version 2 and is marked good"},
	{ACT_SHOW, NULL},
	{ACT_TELL, "version 3, which does not come up, is installed into slot A"},
	{ACT_INSTALL, DEMO_BROKEN_FILE},
	{ACT_REBOOT, "A"},
	{ACT_SEE, "demo-app 3\\.0\\.0: slot A: broken"},
	{ACT_TELL, "version 3 failed; the PC must come back to slot B by itself"},
	{ACT_SLOT, "B"},
	{ACT_SEE, "demo-app 2\\.0\\.0: slot B: up"},
	{ACT_SEE, "marked slot rootfs\\.1 as good"},
	{ACT_SHOW, NULL},
	{ACT_TELL, "all was seen: the update survived the power cut, and the broken one fell back"},
};

/* Starts a command in the guest for whose end nobody waits. */
static int start(struct demo *d, const char *command, struct err **err)
{
	unsigned job;

	if (scene_wait_agent(d->stage.scene, AGENT_S, err) < 0)
		return -1;
	return scene_start(d->stage.scene, command, true, &job, err);
}

static char *install_line(const char *file)
{
	return xasprintf("rauc install " DEMO_MEDIA "%s", file);
}

/* Waits for a line of the console, and until it is whole. */
static int see(struct demo *d, const char *line, struct err **err)
{
	if (console_wait(&d->stage, line, 0, false, CONSOLE_S, err) < 0)
		return -1;
	return scene_pass(d->stage.scene, WHOLE_MS, err);
}

/* Waits until the boot loader chooses SLOT. */
static int see_slot(struct demo *d, const char *slot, struct err **err)
{
	const struct chosen wanted = {.slot = slot};
	size_t is;

	if (choice_wait(&d->stage, CHOICE_S, &is, err) < 0)
		return -1;
	return choice_judge(&d->stage, &wanted, is, err);
}

static int begin_reboot(struct demo *d, struct err **err)
{
	if (start(d, "systemctl reboot", err) < 0)
		return -1;
	scene_skip(d->stage.scene);
	scene_forget_agent(d->stage.scene);
	return 0;
}

static int cut_at(struct demo *d, const char *line, struct err **err)
{
	if (console_wait(&d->stage, line, 0, true, CONSOLE_S, err) < 0)
		return -1;
	return scene_cut(d->stage.scene, err);
}

static int run_in_guest(struct demo *d, const char *command, struct err **err)
{
	struct scene *s = d->stage.scene;
	unsigned job;
	int status;

	if (scene_wait_agent(s, AGENT_S, err) < 0 ||
	    scene_start(s, command, false, &job, err) < 0 ||
	    scene_wait_job(s, job, INSTALL_S, &status, err) < 0)
		return -1;
	return status ? err_set(err, E_SCENARIO_FAILED, "the command ended with %d", status) : 0;
}

static int do_step(struct demo *d, const struct scene_step *step, struct err **err)
{
	char *line cleanup_free = NULL;

	switch (step->act) {
	case ACT_TELL:
		demo_say(d, "%s", step->arg);
		return 0;
	case ACT_POWER_ON:
		return stage_power_on(&d->stage, NULL, err);
	case ACT_BEGIN:
		line = install_line(step->arg);
		return start(d, line, err);
	case ACT_CUT:
		return cut_at(d, step->arg, err);
	case ACT_INSTALL:
		line = install_line(step->arg);
		return run_in_guest(d, line, err);
	case ACT_REBOOT:
		return begin_reboot(d, err) < 0 ? -1 : see_slot(d, step->arg, err);
	case ACT_SLOT:
		return see_slot(d, step->arg, err);
	case ACT_SEE:
		return see(d, step->arg, err);
	case ACT_SHOW:
		break;
	}
	return demo_show_card(d, err) < 0 ? -1 : run_in_guest(d, STATUS, err);
}

static int play(struct demo *d, struct err **err)
{
	struct foreign told cleanup_foreign = foreign_begin(stdout);

	for (size_t i = 0; i < array_len(script); i++)
		if (do_step(d, &script[i], err) < 0)
			return -1;
	return 0;
}

/* -- by keys -- */

/* Whether the guest takes commands just now; says so if not. */
static bool is_ready(struct demo *d)
{
	struct err *no cleanup_err = NULL;

	if (!scene_is_on(d->stage.scene))
		demo_say(d, "the power is off: r switches it on");
	else if (scene_wait_agent(d->stage.scene, 0, &no) < 0)
		demo_say(d, "the system is still starting: wait for 'commands can be run'");
	else
		return true;
	return false;
}

/*
 * A command of RAUC's, for whose end nobody waits. Before the slot that runs is marked good, RAUC
 * may not be there yet; and an update cut short then would leave no slot that is good.
 */
static int begin(struct demo *d, const char *what, const char *command, struct err **err)
{
	bool good = false;

	if (!is_ready(d))
		return 0;
	if (demo_is_good(d, &good, err) < 0)
		return -1;
	if (!good) {
		demo_say(d, "RAUC is asked when this slot is good: wait for 'marked slot'");
		return 0;
	}
	demo_say(d, "%s", what);
	return start(d, command, err);
}

static int install(struct demo *d, const char *what, const char *file, struct err **err)
{
	char *line cleanup_free = install_line(file);

	return begin(d, what, line, err);
}

static int reboot(struct demo *d, struct err **err)
{
	if (!scene_is_on(d->stage.scene))
		return stage_power_on(&d->stage, NULL, err);
	return is_ready(d) ? begin_reboot(d, err) : 0;
}

static int show(struct demo *d, struct err **err)
{
	if (demo_show_card(d, err) < 0)
		return -1;
	return scene_is_on(d->stage.scene) ? begin(d, "rauc status:", STATUS, err) : 0;
}

/* Keys come one by one, and lines are printed as ever. */
static void set_keys(void)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t) < 0)
		return;
	t.c_oflag |= OPOST | ONLCR;
	tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
}

static int take_terminal(struct demo *d, struct err **err)
{
	if (terminal_lend(STDIN_FILENO, true, &d->lent, err) < 0)
		return -1;
	set_keys();
	if (!d->plain)
		terminal_open();
	demo_draw(d, true);
	return 0;
}

static void leave_terminal(struct demo *d)
{
	if (!d->plain)
		terminal_close();
	terminal_restore(steal_ptr(d->lent));
	free(steal_ptr(d->drawn));
}

/* Ctrl-Z: the terminal is the shell's until we go on. The PC runs meanwhile. */
static int stop_here(struct demo *d, struct err **err)
{
	leave_terminal(d);
	kill(0, SIGTSTP);
	return take_terminal(d, err);
}

/* 1: the demo is over. */
static int do_key(struct demo *d, char key, struct err **err)
{
	switch (key) {
	case 'u':
		return install(d, "installing version 2: x cuts it short, r starts it",
			       DEMO_GOOD_FILE, err);
	case 'b':
		return install(d, "installing version 3, which does not come up: r starts it",
			       DEMO_BROKEN_FILE, err);
	case 'x':
		return scene_cut(d->stage.scene, err);
	case 'r':
		return reboot(d, err);
	case 's':
		return show(d, err);
	case CTRL_Z:
		return stop_here(d, err);
	case CTRL_C:
		demo_signal = SIGINT;
		return 1;
	case 'q':
		return 1;
	default:
		return 0;
	}
}

/* A key within MS; 0: none. The end of the terminal is 'q'. */
static char read_key(int ms)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	char key;

	if (poll(&in, 1, ms) <= 0)
		return 0;
	return read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
}

/* What a board does of its own accord is told, and no end of the demo. */
static int forgive(struct demo *d, struct err **err)
{
	if (demo_signal || (*err)->code->cls != ERR_BUILD)
		return -1;
	demo_say(d, "%s", (*err)->text);
	err_free(*err);
	*err = NULL;
	return 0;
}

/* Lets the board run for a moment. */
static int let_run(struct demo *d, struct err **err)
{
	if (!scene_is_on(d->stage.scene) || scene_pass(d->stage.scene, LOOK_MS, err) == 0)
		return 0;
	return scene_is_on(d->stage.scene) ? -1 : forgive(d, err);
}

static int follow_keys(struct demo *d, struct err **err)
{
	int rc = stage_power_on(&d->stage, NULL, err);

	while (rc == 0 && !demo_signal) {
		demo_draw(d, false);
		if (let_run(d, err) < 0)
			return -1;
		rc = do_key(d, read_key(scene_is_on(d->stage.scene) ? 0 : LOOK_MS), err);
		if (rc < 0)
			rc = forgive(d, err);
	}
	return rc < 0 ? -1 : 0;
}

static int play_keys(struct demo *d, struct err **err)
{
	int rc = take_terminal(d, err);

	if (rc == 0)
		rc = follow_keys(d, err);
	leave_terminal(d);
	return rc;
}

/* -- both -- */

/* Where the project is: DIR, or beside the store. Absolute; caller frees. */
static int find_place(const struct cli *c, const char *store, char **ret, struct err **err)
{
	char *cwd cleanup_free = getcwd(NULL, 0), *path cleanup_free = NULL;

	if (!cwd)
		return err_errno(err, E_READ_FAILED, errno, "cannot find the current directory");
	path = c->args.count ? path_join(cwd, c->args.items[0]) : xasprintf("%s-demo", store);
	*ret = path_normal(path);
	return 0;
}

#define DEFAULT_PLACE "the demo's project, in its default place ('orch demo DIR' takes another)"

static int enter_project(struct demo *d, const struct cli *c, struct err **err)
{
	char *place cleanup_free = NULL;

	d->cli = *c;
	d->cli.args = (struct strv){0};
	d->cli.store = d->cli.dir = NULL;
	if (session_store_place(c, &d->cli.store, err) < 0 ||
	    find_place(c, d->cli.store, &place, err) < 0)
		return -1;
	if (demo_make_project(place, err) < 0)
		return c->args.count ? -1 : err_wrap(err, DEFAULT_PLACE);
	if (chdir(place) < 0)
		return err_errno(err, E_FILE_UNREADABLE, errno, "cannot open directory '%s'",
				 place);
	fprintf(stderr, "orch: the demo's project is '%s'\n", place);
	return 0;
}

/* By keys where somebody can press them. */
static void choose_how(struct demo *d, const struct cli *c)
{
	const char *term = getenv("TERM");

	d->keys = !c->script && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
	d->plain = !term || !*term || str_eq(term, "dumb");
	if (!d->keys && !c->script)
		fputs("orch: nobody can press keys here, so the demo plays by itself, as with "
		      "--script\n",
		      stderr);
}

static int run(struct demo *d, const struct cli *c)
{
	struct err *err = NULL;
	int code, rc;

	if (enter_project(d, c, &err) < 0)
		return cli_fail(&d->s, err);
	code = demo_build(d);
	if (code)
		return code;
	choose_how(d, c);
	rc = demo_open(d, &err);
	if (rc == 0)
		rc = d->keys ? play_keys(d, &err) : play(d, &err);
	code = rc < 0 ? cli_fail(&d->s, err) : 0;
	return demo_signal ? 128 + (int)demo_signal : code;
}

int cmd_demo(struct cli *c)
{
	struct demo d = {.s = {.cli = c}};
	int code = run(&d, c);

	demo_close(&d);
	free(d.cli.store);
	return code;
}
