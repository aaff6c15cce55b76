"""What people see of workflows' runs and do with them: steps, timelines, comparisons, control."""
