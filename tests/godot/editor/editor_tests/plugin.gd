@tool
extends EditorPlugin
## Runs every test once the editor is up and quits it: exit code 0 if all passed, else 1.

const Tests: Array[GDScript] = [
	preload("property_picker_tests.gd"),
	preload("property_check_tests.gd"),
	preload("scene_picker_tests.gd"),
	preload("configuration_warnings_tests.gd"),
	preload("grab_warnings_tests.gd"),
]
const TIMEOUT_SEC := 60.0


func _enter_tree() -> void:
	if DisplayServer.get_name() == "headless" and "--import" not in OS.get_cmdline_args():
		get_tree().create_timer(TIMEOUT_SEC).timeout.connect(_finish.bind(PackedStringArray(["timed out"])))
		_run.call_deferred()


func _run() -> void:
	while EditorInterface.get_resource_filesystem().is_scanning():
		await get_tree().process_frame
	var failures := PackedStringArray()
	for script in Tests:
		var suite: RefCounted = script.new()
		for method in script.get_script_method_list():
			if (method["name"] as String).begins_with("test_"):
				failures.append_array(await _run_one(suite, method["name"]))
	_finish(failures)


func _run_one(suite: RefCounted, method: String) -> PackedStringArray:
	await suite.call("before_each")
	await suite.call(method)
	var failures: PackedStringArray = suite.call("take_failures")
	print("%s %s" % ["ok  " if failures.is_empty() else "FAIL", method.trim_prefix("test_").replace("_", " ")])
	return failures


func _finish(failures: PackedStringArray) -> void:
	for failure in failures:
		printerr("FAIL %s" % failure)
	print("editor tests: %s" % ("passed" if failures.is_empty() else "%d failed" % failures.size()))
	get_tree().quit(0 if failures.is_empty() else 1)
