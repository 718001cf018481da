// The views of a NameNode.

import { overview, startup, configuration } from './overview.js';
import { datanodes } from './datanodes.js';
import { files } from './files.js';

export const groups = [
  { title: 'HDFS', views: [overview, datanodes, files, startup, configuration] },
];
